"""The rules of case views: they read what there is, and what filters a column can be made before it."""

from collections.abc import Collection, Iterator

from services.scoring.domain.document import SchemeDocument, ViewSpec
from services.scoring.domain.expressions import Columns, Kind
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from services.scoring.domain.views import MOST_LAYERS, column_kind, depths, filter_of, filtered
from shared.kernel.errors import Refused


def views_read_what_there_is(document: SchemeDocument, types: EventTypes) -> Iterator[Finding]:
    """Every view names event types of the catalogue and columns that they have, used by a measure or not."""
    for name, view in document.views.items():
        for place, event in enumerate(view.events):
            if event not in types:
                yield Finding(
                    f"/views/{name}/events/{place}", "unknown_type", f"There is no event type {event}."
                )
        yield from _columns(name, view, types)
        yield from _trees(name, view, set(document.trees.values()))


def _columns(name: str, view: ViewSpec, types: EventTypes) -> Iterator[Finding]:
    """Name the columns that cannot be taken, and where all can the filters that cannot."""
    kinds: dict[str, Kind] = {}
    for column in view.columns:
        try:
            kinds[column] = column_kind(view, column, types)
        except Refused as refused:
            yield Finding(f"/views/{name}/columns/{column}", refused.problem.code, refused.problem.detail)
    if len(kinds) == len(view.columns):
        yield from _filters(name, view, kinds, types)


def _trees(name: str, view: ViewSpec, leading: Collection[str]) -> Iterator[Finding]:
    """Name the filters of columns that lead into trees: where one keeps nothing a case stands nowhere."""
    for column, _ in filtered(view.columns):
        if column in leading:
            path = f"/views/{name}/columns/{column}/where"
            yield Finding(path, "unit_filtered", f"{column} leads into a tree, and says it of every case.")


def _filters(name: str, view: ViewSpec, kinds: Columns, types: EventTypes) -> Iterator[Finding]:
    """Name the filters that cannot be asked, and those of columns that have no beginning."""
    reads = {column: frozenset[str]() for column in view.columns}
    for column, spec in filtered(view.columns):
        try:
            reads[column] = filter_of(name, spec, kinds, types).reads
        except Refused as refused:
            yield Finding(
                f"/views/{name}/columns/{column}/where", refused.problem.code, refused.problem.detail
            )
    for column, depth in depths(reads).items():
        path = f"/views/{name}/columns/{column}/where"
        if depth is None:
            yield Finding(path, "column_cycle", f"{column} reads itself, or a column that does.")
        elif depth == MOST_LAYERS + 1:
            reason = f"{column} stands on more than {MOST_LAYERS} columns, one above the other."
            yield Finding(path, "too_deep", reason)
