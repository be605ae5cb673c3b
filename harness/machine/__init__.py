"""The machine: what it has, and what can run on it."""
