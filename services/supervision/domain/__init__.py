"""Decisions of supervision."""
