"""Schema steps of ingest."""
