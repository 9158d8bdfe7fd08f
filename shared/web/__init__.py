"""The HTTP door of every service: one way to answer, to refuse and to check a token."""
