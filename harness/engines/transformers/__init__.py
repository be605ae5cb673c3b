"""The transformers engine: many episodes over one Hugging Face model."""
