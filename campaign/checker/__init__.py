"""Judges a run from client logs, databases and topics; it shares no code with what it judges."""
