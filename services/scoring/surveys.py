"""Tables of surveys, made so that no answer is found by a token, nor a token by an answer.

What is issued is stored as one digest of a token and what is spent as another, and only who holds the token
can tell that they are the same. Answers are not kept one by one: a class of raters has one row that holds how
many gave which score, rewritten by each answer, so that neither the order nor the transaction of a row tells
more than that somebody was the last.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.kernel.digests import key_digest
from shared.storage.transaction import PostgresTransaction

Scores = dict[str, dict[str, dict[int, int]]]
Rating = tuple[str, str, int]

_WITH_SURVEYS = """
    SELECT code, version FROM schemes WHERE approver IS NOT NULL AND code IN (
        SELECT code FROM schemes WHERE approver IS NOT NULL AND document->'surveys' <> '{}'::jsonb)
    ORDER BY code, version"""
_ISSUE = """
    INSERT INTO survey_tokens (survey, token, rater) SELECT $1, token, $3
    FROM unnest($2::bytea[]) n(token) ORDER BY token"""
_GIVE = """
    INSERT INTO survey_answers (survey, rater, answers, scores) VALUES ($1, $2, $3, $4)
    ON CONFLICT (survey, rater) DO UPDATE SET answers = excluded.answers, scores = excluded.scores"""


@dataclass(slots=True)
class Answers:
    """What a class of raters said: how many, and how many of them gave which score, by indicator and unit."""

    answers: int = 0
    scores: Scores = field(default_factory=dict[str, dict[str, dict[int, int]]])

    def add(self, ratings: Iterable[Rating]) -> None:
        """Add an answer, of which nothing is left but the counts."""
        self.answers += 1
        for indicator, unit, score in ratings:
            counts = self.scores.setdefault(indicator, {}).setdefault(unit, {})
            counts[score] = counts.get(score, 0) + 1


def issued(survey: str, token: str) -> bytes:
    """Return what is kept of a token that was issued."""
    return key_digest("survey token", survey, token)


def spent(survey: str, token: str) -> bytes:
    """Return what is kept of a token that was used."""
    return key_digest("survey spent", survey, token)


def attempt(token: str, attempt: str) -> bytes:
    """Return what is kept of how a token was used, so that the same request is known again."""
    return key_digest("survey attempt", token, attempt)


async def schemes(tx: PostgresTransaction) -> list[tuple[str, int]]:
    """Return every adopted version of the schemes that have a survey in any."""
    return [(row["code"], row["version"]) for row in await tx.many(_WITH_SURVEYS)]


async def turns(tx: PostgresTransaction, surveys: Collection[str]) -> dict[str, set[str]]:
    """Return what was told of rounds."""
    statement = "SELECT survey, turn FROM survey_turns WHERE survey = ANY($1::text[])"
    found: dict[str, set[str]] = {survey: set() for survey in surveys}
    for row in await tx.many(statement, list(surveys)):
        found[row["survey"]].add(row["turn"])
    return found


async def begun(tx: PostgresTransaction, surveys: Collection[str]) -> set[str]:
    """Return the rounds of which anything was told or tokens were issued."""
    statement = """
        SELECT survey FROM unnest($1::text[]) n(survey)
        WHERE EXISTS (SELECT FROM survey_turns t WHERE t.survey = n.survey)
            OR EXISTS (SELECT FROM survey_tokens t WHERE t.survey = n.survey)"""
    return {row["survey"] for row in await tx.many(statement, list(surveys))}


async def add_turns(tx: PostgresTransaction, survey: str, told: Collection[str]) -> None:
    """Note what is told of a round."""
    await tx.many("INSERT INTO survey_turns SELECT $1, * FROM unnest($2::text[])", survey, list(told))


async def lock(tx: PostgresTransaction, survey: str) -> None:
    """Let nobody answer or close a round beside me, if it has opened; read how it stands after this."""
    statement = "SELECT FROM survey_turns WHERE survey = $1 AND starts_with(turn, 'opened') FOR UPDATE"
    await tx.many(statement, survey)


async def issue(tx: PostgresTransaction, survey: str, rater: str, tokens: Iterable[str]) -> None:
    """Keep that tokens were issued to a class of raters, in an order that says nothing."""
    await tx.many(_ISSUE, survey, [issued(survey, token) for token in tokens], rater)


async def has_tokens(tx: PostgresTransaction, survey: str, rater: str) -> bool:
    """Tell whether tokens were issued to a class of raters."""
    statement = "SELECT EXISTS (SELECT FROM survey_tokens WHERE survey = $1 AND rater = $2) AS one"
    return bool((await tx.many(statement, survey, rater))[0]["one"])


async def rater_of(tx: PostgresTransaction, survey: str, token: str) -> str | None:
    """Return the class of raters that a token was issued to."""
    statement = "SELECT rater FROM survey_tokens WHERE survey = $1 AND token = $2"
    rows = await tx.many(statement, survey, issued(survey, token))
    return rows[0]["rater"] if rows else None


async def attempt_of(tx: PostgresTransaction, survey: str, token: str) -> bytes | None:
    """Return how a token was used, None if it was not."""
    statement = "SELECT attempt FROM survey_spent WHERE survey = $1 AND mark = $2"
    rows = await tx.many(statement, survey, spent(survey, token))
    return rows[0]["attempt"] if rows else None


async def spend(tx: PostgresTransaction, survey: str, token: str, attempted: bytes) -> None:
    """Keep that a token was used."""
    statement = "INSERT INTO survey_spent (survey, mark, attempt) VALUES ($1, $2, $3)"
    await tx.many(statement, survey, spent(survey, token), attempted)


async def answers(tx: PostgresTransaction, survey: str) -> dict[str, Answers]:
    """Return what classes of raters said in a round."""
    statement = "SELECT rater, answers, scores FROM survey_answers WHERE survey = $1"
    return {
        row["rater"]: Answers(row["answers"], _scores(row["scores"]))
        for row in await tx.many(statement, survey)
    }


async def give(tx: PostgresTransaction, survey: str, rater: str, said: Answers) -> None:
    """Write what a class of raters said in the place of what it had said before."""
    await tx.many(_GIVE, survey, rater, said.answers, json.dumps(said.scores, sort_keys=True))


async def counts(
    tx: PostgresTransaction, surveys: Collection[str]
) -> tuple[Mapping[tuple[str, str], int], Mapping[tuple[str, str], int]]:
    """Return how many tokens were issued and how many answers given, by round and class of raters."""
    rows = await tx.many(
        "SELECT survey, rater, count(*) AS n FROM survey_tokens WHERE survey = ANY($1::text[]) GROUP BY 1, 2",
        list(surveys),
    )
    given = await tx.many(
        "SELECT survey, rater, answers AS n FROM survey_answers WHERE survey = ANY($1::text[])", list(surveys)
    )
    tokens, answered = (
        {(row["survey"], row["rater"]): int(row["n"]) for row in found} for found in (rows, given)
    )
    return tokens, answered


def _scores(text: str) -> Scores:
    return {
        indicator: {
            unit: {int(score): count for score, count in counts.items()} for unit, counts in units.items()
        }
        for indicator, units in json.loads(text).items()
    }
