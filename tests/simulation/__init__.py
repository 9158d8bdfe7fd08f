"""The protocol from a source to the second hop, run over memory under a virtual clock and seeded faults."""
