"""What crosses the borders between services: one module per producer."""
