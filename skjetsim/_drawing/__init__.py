"""Drawing of events: in seed chunks, from any estimator, and in bounded memory."""
