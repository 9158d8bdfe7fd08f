"""Incidents: one problem however many reports name it, and what the units concerned lose by it."""
