"""Training of every network, on skorch's protocol. No other package imports skorch."""
