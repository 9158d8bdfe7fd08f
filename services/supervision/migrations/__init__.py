"""Schema steps of supervision."""
