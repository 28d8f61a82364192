"""The structure inside a model file."""
