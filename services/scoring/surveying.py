"""Commands of surveys: tokens for classes of raters; each is good for one answer of whoever has it."""

import secrets
from collections.abc import Iterable

from services.scoring import store, surveys
from services.scoring.asking import Schemes
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.rounds import Round, State, rounds_of, state_of
from services.scoring.survey_answers import TOKENS_AT_ONCE, Batch, NewAnswer, Rating
from services.scoring.surveys import Answers
from shared.kernel.errors import Refused, refuse
from shared.storage.transaction import PostgresTransaction

TOKEN_BYTES = 24


class Desk:
    """Where tokens are issued and answers taken; the clock of the shards has told whether a round is open."""

    def __init__(self) -> None:
        self._schemes = Schemes()

    async def every(self, tx: PostgresTransaction, scheme: str | None) -> list[Round]:
        """Return every round of adopted schemes, or of one, in the order of their ids."""
        versions = [one for one in await surveys.schemes(tx) if scheme in {None, one[0]}]
        found = rounds_of([await self._schemes.adopted(tx, *version) for version in versions])
        return [found[id_] for id_ in sorted(found)]

    async def find(self, tx: PostgresTransaction, survey: str) -> Round:
        """Return a round, or refuse with 404."""
        code, _, month = survey.split("~")
        document = await self._schemes.covering(tx, code, month)
        found = rounds_of([document]).get(survey)
        if found is None:
            raise refuse(404, "not_found", "The scheme has no such round of a survey.")
        return found

    async def state(self, tx: PostgresTransaction, survey: str) -> State:
        """Return how a round stands."""
        return state_of((await surveys.turns(tx, [survey]))[survey])

    async def issue(self, tx: PostgresTransaction, survey: str, asked: Batch) -> list[str]:
        """Return new tokens for a class of raters; what is kept of them does not give them back."""
        await store.hold_adoptions(tx, survey.partition("~")[0])
        found = await self.find(tx, survey)
        if asked.rater not in found.section.raters:
            raise refuse(422, "unknown_rater", f"The survey has no raters {asked.rater}.", pointer="/rater")
        if await self.state(tx, survey) is State.CLOSED:
            raise _closed()
        fewest = min(found.minimum(asked.rater), TOKENS_AT_ONCE)
        if asked.count < fewest and not await surveys.has_tokens(tx, survey, asked.rater):
            reason = f"Of few tokens each is a named person: {asked.rater} begin with {fewest} at once."
            raise refuse(422, "too_few_tokens", reason, pointer="/count")
        tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in range(asked.count)]
        await surveys.issue(tx, survey, asked.rater, tokens)
        return tokens

    async def was_taken(self, tx: PostgresTransaction, survey: str, said: NewAnswer) -> bool:
        """Tell whether this very answer was taken before: the same token, used by the same attempt."""
        return await surveys.attempt_of(tx, survey, said.token) == surveys.attempt(said.token, said.attempt)

    async def take(self, tx: PostgresTransaction, survey: str, said: NewAnswer) -> None:
        """Count an answer once. A token that is spent is refused like one that there never was."""
        found = await self.find(tx, survey)
        asked = {one.code: one for one in found.document.indicators_of_survey(found.survey)}
        _check_ratings(found, asked, said.ratings)
        _check_open(await self.state(tx, survey))
        rater = await _rater(tx, survey, said)
        if rater is None:
            return
        _check_asked(asked, rater, said.ratings)
        await surveys.lock(tx, survey)
        if await _rater(tx, survey, said) is None:
            return
        _check_open(await self.state(tx, survey))
        await surveys.spend(tx, survey, said.token, surveys.attempt(said.token, said.attempt))
        known = (await surveys.answers(tx, survey)).get(rater) or Answers()
        known.add((one.indicator, one.unit, one.score) for one in said.ratings)
        await surveys.give(tx, survey, rater, known)


async def _rater(tx: PostgresTransaction, survey: str, said: NewAnswer) -> str | None:
    """Return the class of a token that is good, None where this very answer was taken meanwhile.

    Both tables are asked of every token, so that none is told by its time.
    """
    rater = await surveys.rater_of(tx, survey, said.token)
    attempted = await surveys.attempt_of(tx, survey, said.token)
    if attempted == surveys.attempt(said.token, said.attempt):
        return None
    if rater is None or attempted is not None:
        raise refuse(403, "token_refused", "This token gives no answer to this survey.")
    return rater


def _check_open(state: State) -> None:
    if state is State.WAITING:
        raise refuse(409, "survey_not_open", "The survey has not opened.")
    if state is State.CLOSED:
        raise _closed()


def _closed() -> Refused:
    return refuse(409, "survey_closed", "The survey is closed.")


def _check_ratings(found: Round, asked: dict[str, IndicatorSpec], ratings: Iterable[Rating]) -> None:
    """Refuse what the survey does not ask, a score above its scale, and a unit rated twice on a question."""
    units = {code: found.document.units_of(one) for code, one in asked.items()}
    seen: set[tuple[str, str]] = set()
    for at, one in enumerate(ratings):
        if one.unit not in units.get(one.indicator, ()):
            reason = f"The survey does not ask {one.indicator} of {one.unit}."
            raise refuse(422, "not_rated", reason, pointer=f"/ratings/{at}")
        method = asked[one.indicator].method.survey
        assert method is not None, "a question of a survey is scored by `survey`"
        if one.score > method.scale:
            reason = f"{one.indicator} is rated from 0 to {method.scale}."
            raise refuse(422, "score_above_scale", reason, pointer=f"/ratings/{at}/score")
        if (one.indicator, one.unit) in seen:
            reason = f"{one.unit} is rated on {one.indicator} a second time."
            raise refuse(422, "rated_twice", reason, pointer=f"/ratings/{at}")
        seen.add((one.indicator, one.unit))


def _check_asked(asked: dict[str, IndicatorSpec], rater: str, ratings: Iterable[Rating]) -> None:
    """Refuse an answer to a question that is not for the token's class of raters; the token stays good."""
    for at, one in enumerate(ratings):
        method = asked[one.indicator].method.survey
        if method is None or rater not in {spec.rater for spec in method.classes}:
            reason = f"{one.indicator} is not asked of {rater}."
            raise refuse(422, "not_asked", reason, pointer=f"/ratings/{at}")
