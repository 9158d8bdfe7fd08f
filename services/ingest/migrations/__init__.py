"""The schema of ingest."""
