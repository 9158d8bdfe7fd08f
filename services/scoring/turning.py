"""What days make of surveys: rounds open, remind and close; a closed round is counted, unit by unit, once.

Nothing is scored while a round is open, as the step of a score would tell the answer that moved it.
"""

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from services.scoring import surveys
from services.scoring.contract import (
    SOURCE,
    SURVEY_COUNTED,
    SURVEY_TURNED,
    SURVEYS,
    RaterClass,
    SurveyCounted,
    SurveyTurn,
    SurveyTurned,
    Tick,
)
from services.scoring.domain.rounds import Round, State, Turn, rounds_of, state_of, turns
from services.scoring.plans import InForce
from services.scoring.surveys import Answers
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
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
        ticks: Mapping[int, AcceptedEvent],
        force: Mapping[int, Sequence[InForce]],
    ) -> list[Answer]:
        """Return what is new by the newest ticks of shards: turns, and what closed rounds come to."""
        answers: list[Answer] = []
        for shard, tick in sorted(ticks.items()):
            mine = [
                one for one in rounds_of(x.document for x in force[shard]).values() if _home(one) == shard
            ]
            minute = envelope.decode_data(tick, Tick).minute
            await self._read(tx, [one.id for one in mine])
            for one in mine:
                answers += await self._turn(tx, one, minute)
        return answers

    async def _turn(self, tx: PostgresTransaction, one: Round, minute: str) -> list[Answer]:
        zone = ZoneInfo(one.document.scheme.zone)
        today = instants.parse(minute).astimezone(zone).date().isoformat()
        told = self._told[one.id]
        if state_of(told) is State.CLOSED:
            return []
        fresh = [turn for turn in turns(one.spec, today) if str(turn) not in told]
        if not fresh:
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
                classes=tuple(RaterClass(rater=rater, **of._asdict()) for rater, of in reached.items()),
                short=tuple(spec.rater for spec in method.classes if spec.rater not in reached),
            )
            yield SURVEYS, Draft(shard_of(unit), envelope.encode(SURVEY_COUNTED, SOURCE, unit, told))
