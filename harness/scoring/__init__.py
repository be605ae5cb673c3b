"""Scoring: what a finished episode is worth. Pure functions over records.

It never generates and never calls a tool: an old run can be scored again under
today's rules from its text alone.
"""
