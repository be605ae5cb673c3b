"""Reads GGUF files: what a file says about its model. Needs no llama.cpp; trusts no byte.

``facts`` puts it together, ``header`` reads the bytes, ``tensors`` finds the quantisation, and
``tables`` has the names and numbers of the format.
"""

from harness.models.gguf.facts import GgufFacts, check_architecture, inspect, token_texts

__all__ = ["GgufFacts", "check_architecture", "inspect", "token_texts"]
