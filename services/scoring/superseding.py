"""Folds every fact of a shard under the schemes before an adoption and after it, a page at a time."""

from collections.abc import Sequence

from services.scoring import cases, deriving, facts, routing
from services.scoring.domain.folding import Place, Traces, fold_under
from services.scoring.moves import Moves
from services.scoring.plans import InForce
from services.scoring.reports import Catalogue, report_of, stored_events
from services.scoring.routing import Route
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

CASES_PER_PAGE = 500


class Superseding:
    """An adoption in a shard; what it changes is noted in `moves`, `cause` names the record that told it."""

    def __init__(
        self,
        shard: int,
        before: Sequence[InForce],
        after: Sequence[InForce],
        *,
        catalogue: Catalogue,
        moves: Moves,
        cause: str,
    ) -> None:
        self._shard = shard
        self._before = [scheme.plan for scheme in before]
        self._after = [scheme.plan for scheme in after]
        self._points = [scheme.points for scheme in before], [scheme.points for scheme in after]
        self._rules = routing.rules_in_force(after)
        self._catalogue = catalogue
        self._moves = moves
        self._cause = cause

    async def fold(self, tx: PostgresTransaction) -> list[Answer]:
        """Fold all; return the routes of what the schemes now in force name as findings and inspections."""
        routed = await self._fold_facts(tx)
        routed += await self._fold_cases(tx)
        await deriving.fold_all(tx, self._shard, self._points, self._moves, self._cause)
        return routed

    async def _fold_facts(self, tx: PostgresTransaction) -> list[Answer]:
        routed: list[Answer] = []
        async for row, revised in facts.of_shard(tx, self._shard):
            gained: dict[Place, list[int]] = {}
            routes: dict[Route, bytes] = {}
            for at, (number, body) in enumerate(zip(row.numbers, row.bodies, strict=True)):
                if number not in revised:
                    routes |= routing.routes_of(self._rules, body, self._catalogue)
                    old, new = self._traces(body)
                    self._moves.doubt((self._shard, facts.key_of(number)), old, new, self._cause)
                    for place in new.places - old.places:
                        gained.setdefault(place, []).append(at)
            await facts.add_places(tx, facts.places_of([row], gained))
            routed += await routing.told(tx, routes)
        return routed

    async def _fold_cases(self, tx: PostgresTransaction) -> list[Answer]:
        routed: list[Answer] = []
        async for page in cases.of_shard(tx, self._shard, CASES_PER_PAGE):
            for case in page:
                self._moves.add((self._shard, case.grp), *self._traces(case.events), self._cause)
                routes = routing.routes_of(self._rules, case.events, self._catalogue)
                routed += await routing.told(tx, routes)
        return routed

    def _traces(self, events: bytes) -> tuple[Traces, Traces]:
        """Take out what the events of a fact or case gave before and add what they give now."""
        tally = self._moves.tallies[self._shard]
        reports = [report_of(event, self._catalogue) for event in stored_events(events)]
        return fold_under(tally, self._before, reports, -1), fold_under(tally, self._after, reports)
