"""What a model file holds, and how: names, structure, networks, the archive with its checksums."""
