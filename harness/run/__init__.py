"""Runs: one model over one suite, in a worker process, kept on disk."""
