"""The operators' door to proofs of the ledger: start one, follow it, read what it found."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.proof import Finding, Named, Scope, Wrong
from services.scoring.verifying import Run, Verifications
from shared.contracts.fields import Closed
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.periods import JANUARY, Month
from shared.web.access import Role, Subject
from shared.web.tokens import whole

Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]
VerificationId = Annotated[int, Path(ge=1, lt=1 << 31)]
CodeText = Annotated[str, Field(pattern=CODE_PATTERN)]


class AskedScope(Closed):
    """Of which cells a proof is to speak; what is left out is not narrowed."""

    scheme: CodeText | None = None
    unit: CodeText | None = None
    period: str | None = Field(None, max_length=7)

    def parsed(self) -> Scope:
        """Return the scope, or refuse a period that is none."""
        if self.period is not None:
            JANUARY.parse(self.period, "/period")
        return Scope(self.scheme, self.unit, self.period)


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class NamedCell(Answer):
    """A month cell; `indicator` is null where every cell of the unit and month may be concerned."""

    scheme: str
    month: str
    unit: str
    indicator: str | None

    @classmethod
    def of(cls, cell: Named) -> Self:
        """Name a cell."""
        month = str(Month.of_ordinal(cell.month))
        return cls(scheme=cell.scheme, month=month, unit=cell.unit, indicator=cell.indicator)


class ShownFinding(Answer):
    """What does not hold, of which cells, where it stands, what is there and what should be.

    partial: a sum of stage A is not what its facts come to; input: stage B holds another than it was told;
    cell: not the value of its formula; entries: they do not go on or do not end at the cell; cause: an entry
    names no numbers, or others; published: the ledger is not what was published; chain: a record was altered.
    """

    what: Wrong
    cells: list[NamedCell]
    where: str
    found: str | None
    expected: str | None

    @classmethod
    def of(cls, one: Finding) -> Self:
        """Show a finding."""
        cells = [NamedCell.of(cell) for cell in one.cells]
        return cls(what=one.what, cells=cells, where=one.where, found=one.found, expected=one.expected)


class VerificationBody(Answer):
    """How far a proof is and what it found: `proved` and `broken` are its ends, or `failed`.

    `as_of` is the digest of the positions at which everything was compared; `found` counts the findings by
    kind, of which the first 500 are listed.
    """

    id: int
    person: str
    scope: AskedScope
    state: Literal["waiting", "proving", "proved", "broken", "failed"]
    phase: str
    done: int
    total: int
    as_of: str
    found: dict[str, int]
    findings: list[ShownFinding]
    detail: str

    @classmethod
    def of(cls, run: Run) -> Self:
        """Show a run."""
        scope = run.scope
        return cls.model_validate(
            {
                name: getattr(run, name)
                for name in ("id", "person", "state", "phase", "done", "total", "as_of")
            }
            | {
                "scope": {"scheme": scope.scheme, "unit": scope.unit, "period": scope.period},
                "found": dict(run.found),
                "findings": [ShownFinding.of(one) for one in run.findings],
                "detail": run.detail,
            }
        )


def verifications_router(verifications: Verifications) -> APIRouter:
    """Return the routes of proofs."""
    router = APIRouter(prefix="/v1/operations/verifications", tags=["operations"])

    @router.post("", name="start_verification", status_code=202)
    async def start_verification(asked: AskedScope, person: Operator) -> VerificationBody:
        """Prove the ledger of a scope at the positions of this moment: state, entries, causes, the chain."""
        return VerificationBody.of(verifications.start(person.name, asked.parsed()))

    @router.get("/{verification}", name="show_verification")
    async def show_verification(verification: VerificationId, _: Operator) -> VerificationBody:
        """Show how far a proof of this process is and what it found."""
        return VerificationBody.of(verifications.find(verification))

    return router
