"""How events are drawn: in seed chunks, from any estimator, and in bounded memory."""
