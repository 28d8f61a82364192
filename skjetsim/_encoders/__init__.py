"""Encoders: events to network inputs, and back."""
