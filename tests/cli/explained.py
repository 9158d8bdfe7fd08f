"""Explanations as scoring answers them, for tests of what is told of them."""

from typing import Any


def row(case: str, *, met: bool | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a row of a ratio."""
    report = {
        "source": "simulated",
        "id": f"{case}-1",
        "type": "task.done.v1",
        "time": "2021-03-01T16:30:00.000000Z",
        "received": "2021-03-01T16:31:00.000000Z",
        "shard": 3,
        "number": 7,
        "left_out": None,
        "taken_by": [],
    }
    return {
        "case": case,
        "unit": "B110000",
        "month": "2021-03",
        "met": met,
        "counted": reason is None,
        "reason": reason,
        "numerator": "1" if met else "0",
        "denominator": "1",
        "columns": {"kind": "work", "subject": "B110000", "deadline": "2021-03-05T16:00:00.000000Z"},
        "reports": [report],
        "reports_total": 1,
    } | more


def explained(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the answer about a cell with a page of rows."""
    return {
        "scheme": "national",
        "version": 1,
        "zone": "Asia/Shanghai",
        "period": "2021-03",
        "unit": "B110000",
        "unit_name": "北京市税务局",
        "indicator": "tasks",
        "indicator_name": "督办事项按期办结率",
        "board": "work",
        "state": "live",
        "as_of": "0123456789abcdef",
        "fresh_at": "2021-03-31T16:00:00.000000Z",
        "figure": {
            "points": "10",
            "value": "9.000000000000",
            "published": "9.00",
            "state": "scored",
            "stale": False,
        },
        "measure": {
            "name": "tasks",
            "version": 2,
            "owner": "D-BGT",
            "effective": "2021-01",
            "definition": {
                "over": "tasks",
                "period_by": "deadline",
                "numerator": "count(*) FILTER (WHERE met)",
            },
        },
        "formula": {
            "symbolic": "w · min(1, (numerator/denominator) / target), and 0 below 0",
            "with_numbers": "10 · min(1, (9/10) / 1) = 9.00",
            "method": {"target": {"target": "1", "direction": "up"}, "deduct": None},
        },
        "inputs": {"numerator": "9", "denominator": "10", "months": ["2021-03"]},
        "rows": rows,
        "next": None,
    } | more
