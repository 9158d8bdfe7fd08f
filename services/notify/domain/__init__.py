"""Decisions of notify."""
