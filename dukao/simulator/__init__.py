"""A seeded simulator of a tax administration's work (模拟): events as they arrive, and what is true."""
