"""What may be said of a figure."""

from enum import StrEnum


class FigureState(StrEnum):
    """Why a figure has a value or none."""

    SCORED = "scored"
    NOT_DUE = "not_due"
    NOT_ASSESSED = "not_assessed"
    NOT_APPLICABLE = "not_applicable"
