"""Scoring: from accepted events to month cells, a ledger and figures."""
