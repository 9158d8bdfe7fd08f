"""Decisions of ingest: what an event must be, and what it means beside those already known."""
