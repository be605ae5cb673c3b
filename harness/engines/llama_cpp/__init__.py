"""The llama.cpp engine: many episodes over one GGUF model in this process."""
