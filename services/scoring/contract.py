"""What crosses scoring's border."""

from shared.contracts.ingest import ACCEPTED, TYPES_ADOPTED, TypesAdopted
from shared.contracts.scoring import (
    DEDUCTION_DECIDED,
    DEDUCTIONS,
    ENTRIES,
    ENTRIES_POSTED,
    FINDING_REPORTED,
    FINDINGS,
    INCIDENT_RULED,
    PARTIALS,
    PARTIALS_CHANGED,
    RULINGS,
    SCHEME_ADOPTED,
    SCHEMES,
    SOURCE,
    Cause,
    Deduction,
    DeductionDecided,
    DeductionState,
    EntriesPosted,
    IncidentName,
    IncidentRuled,
    MonthEntries,
    PartialsChanged,
    ReportName,
    RoleOfUnit,
    RulingAct,
    SchemeAdopted,
)
from shared.contracts.supervision import ITEM_CHANGED, ITEMS, ItemChanged
from shared.kernel.shards import shard_of

CONSUMER_A = "scoring-a"
CONSUMER_B = "scoring-b"
CONSUMER_INCIDENTS = "scoring-incidents"
STREAMS = (SCHEMES, PARTIALS, ENTRIES, FINDINGS, RULINGS, DEDUCTIONS)
INCIDENTS_SHARD = shard_of("incidents")

__all__ = [
    "ACCEPTED",
    "CONSUMER_A",
    "CONSUMER_B",
    "CONSUMER_INCIDENTS",
    "DEDUCTIONS",
    "DEDUCTION_DECIDED",
    "ENTRIES",
    "ENTRIES_POSTED",
    "FINDINGS",
    "FINDING_REPORTED",
    "INCIDENTS_SHARD",
    "INCIDENT_RULED",
    "ITEMS",
    "ITEM_CHANGED",
    "PARTIALS",
    "PARTIALS_CHANGED",
    "RULINGS",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STREAMS",
    "TYPES_ADOPTED",
    "Cause",
    "Deduction",
    "DeductionDecided",
    "DeductionState",
    "EntriesPosted",
    "IncidentName",
    "IncidentRuled",
    "ItemChanged",
    "MonthEntries",
    "PartialsChanged",
    "ReportName",
    "RoleOfUnit",
    "RulingAct",
    "SchemeAdopted",
    "TypesAdopted",
]
