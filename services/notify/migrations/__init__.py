"""Schema steps of notify."""
