"""What crosses the borders between services: one room per producer."""
