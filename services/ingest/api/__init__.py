"""The HTTP door of ingest: one module of routes for each kind of thing."""
