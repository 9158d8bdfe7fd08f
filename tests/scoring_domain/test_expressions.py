"""The language of measures means what PostgreSQL means by the same words."""

import pytest

from services.scoring.domain.expressions import Kind, aggregate
from shared.kernel.errors import Refused
from shared.kernel.points import MILLIONTHS

COLUMNS = {"sent": Kind.TIME, "paid": Kind.TIME, "level": Kind.TEXT, "flag": Kind.BOOLEAN, "n": Kind.NUMBER}
ROWS = {
    "nothing": {},
    "sent": {"sent": 5},
    "paid before": {"sent": 5, "paid": 4},
    "paid after": {"sent": 5, "paid": 6},
}


def counted(condition: str) -> set[str]:
    share = aggregate(f"count(*) FILTER (WHERE {condition})", COLUMNS)
    return {name for name, row in ROWS.items() if share(row) == MILLIONTHS}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("paid IS NULL", {"nothing", "sent"}),
        ("paid IS NOT NULL", {"paid before", "paid after"}),
        ("NOT paid IS NULL", {"paid before", "paid after"}),
        ("NOT paid IS NOT NULL", {"nothing", "sent"}),
        ("paid IS NULL OR (sent IS NOT NULL AND paid >= sent)", {"nothing", "sent", "paid after"}),
        ("NOT (paid >= sent)", {"paid before"}),
    ],
)
def test_null_is_told_from_not_null(condition: str, names: set[str]) -> None:
    assert counted(condition) == names


@pytest.mark.parametrize("word", ["a", "b"])
def test_not_in_is_the_opposite_of_in(word: str) -> None:
    within = aggregate("count(*) FILTER (WHERE level IN ('a'))", COLUMNS)
    without = aggregate("count(*) FILTER (WHERE level NOT IN ('a'))", COLUMNS)
    assert (within({"level": word}), without({"level": word})) == (
        (MILLIONTHS, 0) if word == "a" else (0, MILLIONTHS)
    )


@pytest.mark.parametrize(
    "text",
    [
        "count(*) OVER ()",
        "sum(n ORDER BY n)",
        "count(DISTINCT level)",
        "count(*) FILTER (WHERE flag IS TRUE)",
        "count(*) FILTER (WHERE paid IS DISTINCT FROM sent)",
        "count(*) FILTER (WHERE n = ANY(ARRAY[1]))",
        "count(*) FILTER (WHERE level IN (SELECT 'a'))",
        "count(*) FILTER (WHERE other.flag)",
        "sum(CAST(level AS DECIMAL))",
    ],
)
def test_what_is_not_of_the_language_is_refused_instead_of_read_otherwise(text: str) -> None:
    with pytest.raises(Refused):
        aggregate(text, COLUMNS)
