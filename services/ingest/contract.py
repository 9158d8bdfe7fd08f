"""What crosses ingest's border."""

from shared.contracts.ingest import ACCEPTED, SOURCE, TICK, TYPES_ADOPTED, Tick, TypesAdopted

STREAMS = (ACCEPTED,)

__all__ = ["ACCEPTED", "SOURCE", "STREAMS", "TICK", "TYPES_ADOPTED", "Tick", "TypesAdopted"]
