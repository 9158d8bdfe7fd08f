"""Supervision: items that are supervised and assessed at once."""
