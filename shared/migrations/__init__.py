"""How the schema of a service moves from version to version."""
