"""The recipe of the built-in pico models: tokenizer, episodes, training, export.

Nothing in the harness imports this package, and only the files that need torch,
tokenizers or gguf import them.
"""
