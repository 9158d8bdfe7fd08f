"""Where a person finds what a notice is about: a path that the board passes on to the service."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from services.notify.domain.happenings import Kind, Told


def link_of(kind: Kind, told: Told) -> str:
    """Return the path below `/api`."""
    return _LINKS[kind](told)


def _item(told: Told) -> str:
    return "/supervision/v1/items" + _below(told, "item")


_LINKS: Mapping[Kind, Callable[[Told], str]] = {
    Kind.ITEM_STATE: _item,
    Kind.ITEM_LIGHT: _item,
    Kind.ITEM_LATE: _item,
    Kind.ITEM_SIGN_LATE: _item,
    Kind.ITEM_EXTENSION_ASKED: _item,
    Kind.TIER_CHANGED: lambda told: "/ranking/v1/standings" + _below(told, "scheme", "group", "period"),
    Kind.PERIOD_CLOSED: lambda told: "/ranking/v1/standings" + _below(told, "scheme", "group", "period"),
    Kind.SCHEME_ADOPTED: lambda told: "/scoring/v1/schemes" + _below(told, "scheme", "version"),
    Kind.SURVEY_TURNED: lambda told: "/scoring/v1/surveys" + _below(told, "round"),
    Kind.FEED_TURNED: lambda told: f"/ingest/v1/feeds?source={_quoted(told, 'source')}",
    Kind.DAY_TURNED: lambda told: f"/ingest/v1/manifests?source={_quoted(told, 'source')}",
    Kind.CONFLICT_FOUND: lambda told: f"/ingest/v1/conflicts?source={_quoted(told, 'source')}",
    Kind.INBOUND_REFUSED: lambda told: f"/ingest/v1/refusals?state=open&code={_quoted(told, 'code')}",
}


def _below(told: Told, *names: str) -> str:
    return "".join(f"/{_quoted(told, name)}" for name in names)


def _quoted(told: Told, name: str) -> str:
    return quote(str(told[name]), safe="")
