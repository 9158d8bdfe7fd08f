"""Streams between services: the port and its two stores, relay, consumer, leases, brokers."""
