"""Measures the platform on its own machine; run by `make bench`."""
