"""Ingest: takes events from outside, numbers them, keeps them."""
