"""The openai engine: any server with an OpenAI-compatible API."""
