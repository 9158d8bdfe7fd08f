"""Decisions of ranking; pure."""
