"""Schema steps of scoring."""
