"""Jets of a known origin, as clouds of particles and as images."""
