"""Calorimeter showers by parameterised profiles."""
