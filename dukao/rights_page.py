"""Who may use each operation, as a page: the roles, and how far they reach."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from shared.web.access import Bound
from shared.web.tokens import Declared

_HEAD = """# Rights

Generated from the routers; `make docs` writes it anew. A token carries roles and the path of a unit, `/` for
all units. Each operation declares the roles that may use it, of which one is enough, and how far it reaches:

"""
_REACH = {
    Bound.WHOLE: "concerns every unit: the token's unit is `/`, else 403 `forbidden`",
    Bound.UNITS: "the unit of the token and those below it; what is of other units is not there (404, and on "
    "record as `denied` in the service's `audit` when the answer is out)",
    Bound.OWN: "what the account itself sends or sent; what is of other accounts is not there (404)",
    Bound.PUBLISHED: "the same for everyone; changes nothing",
    Bound.ANYONE: "without a token: what is sent carries its own right, as the one-use token of a survey",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, how it is asked for, and what it declares: one right."""

    name: str
    methods: frozenset[str]
    path: str
    declared: tuple[Declared, ...]


def operations(app: FastAPI) -> list[Operation]:
    """Return the operations of a door in the order of their paths; health has nothing to declare."""
    found = [
        _operation(one)
        for one in iter_route_contexts(app.routes)
        if isinstance(one.original_route, APIRoute) and one.include_in_schema and "health" not in one.tags
    ]
    return sorted(found, key=lambda one: (one.path, one.name))


def page(apps: Mapping[str, FastAPI]) -> str:
    """Return the page."""
    return "\n".join(_lines(apps)).rstrip() + "\n"


def _lines(apps: Mapping[str, FastAPI]) -> Iterator[str]:
    yield _HEAD + "\n".join(f"* **{bound}**: {reach}." for bound, reach in _REACH.items())
    found = {name: operations(app) for name, app in apps.items()}
    served = Counter(one for own in found.values() for one in own)
    yield from _table("several services", [one for one, services in served.items() if services > 1])
    for name, own in found.items():
        yield from _table(name, [one for one in own if served[one] == 1])


def _table(name: str, found: Sequence[Operation]) -> Iterator[str]:
    yield f"\n## {name}\n\n| operation | | roles | reach |\n|---|---|---|---|"
    for one in found:
        (right,) = one.declared
        roles = ", ".join(sorted(right.action.roles)) or "no token"
        yield f"| `{one.name}` | `{' '.join(one.methods)} {one.path}` | {roles} | {right.bound} |"


def _operation(route: RouteContext) -> Operation:
    assert route.name
    assert route.methods
    assert route.path_format
    declared = tuple(_declared(route.dependant))
    return Operation(route.name, frozenset(route.methods), route.path_format, declared)


def _declared(dependant: Dependant) -> Iterator[Declared]:
    if isinstance(dependant.call, Declared):
        yield dependant.call
    for below in dependant.dependencies:
        yield from _declared(below)
