"""Decisions of ranking."""
