"""Suites: tasks, subsets of them, checks, importers, and invented worlds."""
