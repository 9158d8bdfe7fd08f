"""What people call the columns of a measure's rows: by the titles of the event-type fields that they hold."""

from collections.abc import Mapping
from typing import Any

from services.scoring.domain.document import SchemeDocument


def titles_of(document: SchemeDocument, over: str, types: Mapping[str, Any]) -> dict[str, str]:
    """Return the titles of the columns of a view or event type; one whose field has no title is left out."""
    view = document.views.get(over)
    if view is None:
        held = {name: (over, name) for name in _fields(types, over)}
    else:
        held = {
            name: (column.of, field)
            for name, column in view.columns.items()
            for field in column.aggregates().values()
        }
    found = {name: _fields(types, of).get(field, {}).get("title") for name, (of, field) in held.items()}
    return {name: title for name, title in found.items() if title}


def _fields(types: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return types.get("types", {}).get(name, {}).get("fields", {})
