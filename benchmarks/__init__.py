"""Benchmarks: run as modules from the root of the repository, see README.md."""
