"""Schema steps of ranking."""
