"""GGUF files: what a file says about its model, read without llama.cpp and without trust.

``facts`` puts it together, ``header`` reads the bytes, ``tensors`` finds the quantisation, and
``tables`` has the names and numbers of the format.
"""

from harness.models.gguf.facts import GgufFacts, check_architecture, inspect, token_texts

__all__ = ["GgufFacts", "check_architecture", "inspect", "token_texts"]
