"""What crosses the border of notify."""

from shared.contracts.notify import DELIVERED, DELIVERIES, GAVE_UP, SOURCE, Delivered, GaveUp

STREAMS = (DELIVERIES,)

__all__ = ["DELIVERED", "DELIVERIES", "GAVE_UP", "SOURCE", "STREAMS", "Delivered", "GaveUp"]
