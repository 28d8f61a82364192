"""Checks of what every generator, simulator and unfolder promises, by topic."""
