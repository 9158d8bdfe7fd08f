"""Runs proofs of the ledger beside the workers, one at a time; they are forgotten with the process."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.scoring.domain.proof import Finding, Scope
from services.scoring.proving import prove
from shared.kernel.errors import refuse
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.telemetry.logs import logger

STATEMENT_TIMEOUT_MS = 3_600_000
NO_TIMEOUT_MS = 0
KEPT_RUNS = 20
FINDINGS_KEPT = 500
UNDER_WAY = frozenset({"waiting", "proving"})

_LOG = logger(__name__)


@dataclass(slots=True)
class Run:
    """One proof: how far it is, at which positions, and what it found; `found` counts beyond what is kept."""

    id: int
    person: str
    scope: Scope
    state: str = "waiting"
    phase: str = ""
    done: int = 0
    total: int = 0
    as_of: str = ""
    findings: list[Finding] = field(default_factory=list[Finding])
    found: Counter[str] = field(default_factory=Counter[str])
    detail: str = ""

    def begin(self, phase: str, total: int) -> None:
        """Go on to a phase of so many steps."""
        self.phase, self.done, self.total = phase, 0, total

    def step(self, count: int) -> None:
        """Note that so many steps are done."""
        self.done += count

    def add(self, one: Finding) -> None:
        """Note a finding."""
        self.found[one.what] += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(one)


class Verifications:
    """The proofs of one process."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._runs: list[Run] = []
        self._asked = asyncio.Event()
        self._count = 0

    def start(self, person: str, scope: Scope) -> Run:
        """Ask for a proof."""
        if any(run.state in UNDER_WAY for run in self._runs):
            raise refuse(409, "verifying", "A proof is under way; wait for its end.")
        self._count += 1
        self._runs = [*self._runs[-KEPT_RUNS:], Run(self._count, person, scope)]
        self._asked.set()
        return self._runs[-1]

    def find(self, number: int) -> Run:
        """Return a proof of this process, or refuse."""
        found = next((run for run in self._runs if run.id == number), None)
        if found is None:
            raise refuse(404, "not_found", "This process knows no such proof; start one.")
        return found

    async def run(self) -> None:
        """Prove whenever asked, until cancelled; a failure is told to who asked."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            run = self._runs[-1]
            try:
                await self._prove(run)
            except Exception as error:  # noqa: BLE001 - who asked for it is told
                _LOG.exception("proof failed", phase=run.phase)
                run.state, run.detail = "failed", f"{type(error).__name__}: {error}"

    async def _prove(self, run: Run) -> None:
        """Prove all as of one moment, in a session that may take long: workers go on."""
        engine = open_engine(
            self._url,
            self._schema,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            idle_timeout_ms=NO_TIMEOUT_MS,
        )
        try:
            async with Exchange(engine, self._schema).snapshot() as tx:
                run.state = "proving"
                run.as_of = await positions_digest(tx, (CONSUMER_A, CONSUMER_B))
                async for one in prove(tx, run.scope, run):
                    run.add(one)
        finally:
            await engine.dispose()
        run.state = "broken" if run.found else "proved"
