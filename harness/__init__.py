"""A benchmark of small language models as ReAct agents."""

__version__ = "0.1.0"
