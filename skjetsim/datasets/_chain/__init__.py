"""From a hard process to reconstructed events: what all processes share."""
