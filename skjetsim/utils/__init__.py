"""Checks, seeds, weighted statistics and angles: what every layer above uses."""

__all__: list[str] = []
