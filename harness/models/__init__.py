"""Models: the registry, where files come from, and what a file says of itself."""
