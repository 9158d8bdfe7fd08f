"""Shows what is under supervision: items, the coverage of individual indicators, what is overdue, notices."""

from collections.abc import Mapping
from typing import Any

from dukao.client import Client, below
from dukao.demo.staging import read
from dukao.failures import FailedError
from dukao.output import Format, columns, show, show_lines

ITEMS_SHOWN = 5
COUNTED = ("given", "done", "done_late", "open", "overdue")
LIGHTS = {"red": "逾期", "done_late": "办结(逾期)"}

_ITEMS = columns(
    "title", "indicator", "given", "due", "completed", "light", "late=late days", numbers=("late",)
)
_NOTICES = columns("at", "severity", "state", "text")


def supervised(client: Client, scheme: str, unit: str) -> None:
    """Tell the counts of all items, the coverage of individual indicators, and a unit's late items."""
    counts = read(client, "supervision", "/v1/item-counts")
    counted = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in COUNTED)
    show_lines([f"督考事项 items under supervision: {counted}", coverage(client, scheme)])
    late = read(client, "supervision", "/v1/items", unit=unit, overdue=True, limit=ITEMS_SHOWN)["items"]
    show(
        [_line(one) for one in late],
        _ITEMS,
        Format.TABLE,
        title=f"of {unit}, the first that are or were overdue",
    )


def told(client: Client, unit: str) -> None:
    """Show the newest urgent notices in the inbox of a unit."""
    found = read(client, "notify", "/v1/inbox", unit=unit, severity="urgent", limit=ITEMS_SHOWN)["items"]
    title = f"通知 notices: the newest urgent ones in the inbox of {unit}, to be signed for (签收)"
    show(found, _NOTICES, Format.TABLE, title=title, none=f"nothing urgent was told to {unit}")


def coverage(client: Client, scheme: str) -> str:
    """Tell that every individual indicator has items for each of its units; fail where one has none."""
    found = read(client, "supervision", f"/v1/coverage{below(scheme)}")
    if found["missing"]:
        missing = ", ".join(f"{one['indicator']} of {one['unit']}" for one in found["missing"])
        raise FailedError(f"individual indicators without items: {missing}")
    return f"个性指标 individual indicators with items, by unit: {found['covered']} of {found['pairs']}"


def _line(item: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: item[name][:10] if item[name] else None for name in ("given", "due")}
    return {**item, **days, "light": LIGHTS.get(item["light"], item["light"]), "late": len(item["late_days"])}
