"""What days make of surveys: rounds open, remind and close; a closed round is counted, unit by unit, once.

Nothing is scored while a round is open, as the step of a score would tell the answer that moved it.

What was told follows from the newest tick of a shard and the versions that reached it, in any order: an
adoption turns rounds by the tick before it, and what a newer version asks otherwise waits for that version.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from msgspec import structs

from services.scoring import clocks, store, surveys
from services.scoring.clocks import Clock
from services.scoring.contract import (
    SOURCE,
    SURVEY_COUNTED,
    SURVEY_TURNED,
    SURVEYS,
    RaterClass,
    SurveyCounted,
    SurveyTurn,
    SurveyTurned,
)
from services.scoring.domain.rounds import Round, State, Turn, news, rounds_of, state_of, waits
from services.scoring.plans import InForce
from services.scoring.surveys import Answers
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction


class Turning:
    """Tells each turn of a round in the shard of the round; what was told is kept in memory too."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}

    def forget(self) -> None:
        """Drop what is kept."""
        self._told = {}

    async def turn(
        self,
        tx: PostgresTransaction,
        ticks: Mapping[int, Clock],
        adopted: Collection[int],
        force: Mapping[int, Sequence[InForce]],
    ) -> list[Answer]:
        """Return what is new in shards with a tick or an adoption: turns, and what closed rounds come to.

        It is as late as the tick that turns the round, whenever that is applied.
        """
        at_home = {shard: _at_home(shard, force[shard]) for shard in sorted({*ticks, *adopted})}
        mine = [one for rounds in at_home.values() for one in rounds]
        if not mine:
            return []
        before = [shard for shard, rounds in at_home.items() if rounds and shard not in ticks]
        known = {**ticks, **(await clocks.read(tx, before) if before else {})}
        await self._read(tx, [one.id for one in mine])
        answers: list[Answer] = []
        for one in mine:
            if _home(one) in known:
                clock = known[_home(one)]
                at = instants.parse(clock.received)
                said = await self._turn(tx, one, clock.minute)
                answers += [(stream, structs.replace(draft, received=at)) for stream, draft in said]
        return answers

    async def _turn(self, tx: PostgresTransaction, one: Round, minute: str) -> list[Answer]:
        head = one.document.scheme
        today = instants.parse(minute).astimezone(ZoneInfo(head.zone)).date().isoformat()
        told = self._told[one.id]
        fresh = news(one.spec, told, today)
        if not fresh:
            return []
        if not told and waits(one, await store.adopted_after(tx, head.code, head.version)):
            return []
        await surveys.lock(tx, one.id)
        await surveys.add_turns(tx, one.id, [str(turn) for turn in fresh])
        told |= {str(turn) for turn in fresh}
        said = [_turned(one, turn) for turn in fresh]
        if state_of(told) is State.CLOSED:
            said += _counted(one, await surveys.answers(tx, one.id))
        return said

    async def _read(self, tx: PostgresTransaction, rounds: Sequence[str]) -> None:
        missing = [one for one in rounds if one not in self._told]
        if missing:
            self._told |= await surveys.turns(tx, missing)


def _at_home(shard: int, force: Sequence[InForce]) -> list[Round]:
    return [one for one in rounds_of(x.document for x in force).values() if _home(one) == shard]


def _home(one: Round) -> int:
    return shard_of(one.id)


def _turned(one: Round, turn: Turn) -> Answer:
    code = one.document.scheme.code
    told = SurveyTurned(
        round=one.id,
        turn=SurveyTurn(turn.what),
        day=turn.day,
        scheme=code,
        survey=one.survey,
        title=one.section.title,
        opens=one.spec.opens,
        closes=one.spec.closes,
    )
    return SURVEYS, Draft(_home(one), envelope.encode(SURVEY_TURNED, SOURCE, code, told))


def _counted(one: Round, said: Mapping[str, Answers]) -> Iterator[Answer]:
    """Yield what a round came to for each question and unit, without a number of a class that is short."""
    for indicator in one.document.indicators_of_survey(one.survey):
        method = indicator.method.survey
        assert method is not None, "a question of a survey is scored by `survey`"
        for unit in sorted(one.document.units_of(indicator)):
            reached = method.reached(
                {
                    rater: answers.scores.get(indicator.code, {}).get(unit, {})
                    for rater, answers in said.items()
                }
            )
            told = SurveyCounted(
                key=f"{one.id}~{indicator.code}~{unit}",
                version=1,
                scheme=one.document.scheme.code,
                survey=one.survey,
                unit=unit,
                indicator=indicator.code,
                month=one.spec.month,
                scale=method.scale,
                classes=tuple(RaterClass(rater=rater, **of._asdict()) for rater, of in reached.items()),
                short=tuple(spec.rater for spec in method.classes if spec.rater not in reached),
            )
            yield SURVEYS, Draft(shard_of(unit), envelope.encode(SURVEY_COUNTED, SOURCE, unit, told))
