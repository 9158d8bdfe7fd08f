"""The document of rules: its shape, what is wrong with one, and the rules that it says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from services.notify.domain.happenings import Kind
from services.notify.domain.rules import ASSESSOR, CO_HANDLERS, UNIT, WEBHOOK, Rule, Severity
from shared.kernel.codes import CODE_PATTERN, is_code

MOST_RULES = 200
MOST_VALUES = 200
MOST_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """What a rule can compare of a kind of event (`None`: any value), and which words name its recipients."""

    fields: Mapping[str, frozenset[str] | None]
    words: tuple[str, ...] = ()


STATES = frozenset(
    {
        "registered",
        "assigned",
        "signed",
        "in_progress",
        "submitted",
        "sent_back",
        "completed",
        "cleared",
        "cancelled",
        "withdrawn",
    }
)
LIGHTS = frozenset({"green", "yellow", "red", "done", "done_late", "off"})
KINDS = frozenset({"decision", "document", "instruction", "control_risk", "alleged_finding"})
SURVEY_TURNS = frozenset({"opened", "reminded", "closed"})
FEED_STATES = frozenset({"stale", "fresh"})
DAY_STATES = frozenset({"missing", "surplus", "different", "agreed"})
LATE_DAYS = frozenset(map(str, range(1, 1001)))
_ITEM = {"kind": KINDS, "item": None, "unit": None, "scheme": None, "indicator": None}
_HANDS = (UNIT, CO_HANDLERS, ASSESSOR)

SHAPES: Mapping[Kind, Shape] = {
    Kind.ITEM_STATE: Shape({"state": STATES, **_ITEM}, _HANDS),
    Kind.ITEM_LIGHT: Shape({"light": LIGHTS, **_ITEM}, _HANDS),
    Kind.ITEM_LATE: Shape({"late_day": LATE_DAYS, **_ITEM}, _HANDS),
    Kind.ITEM_SIGN_LATE: Shape(_ITEM, _HANDS),
    Kind.ITEM_EXTENSION_ASKED: Shape(_ITEM, _HANDS),
    Kind.TIER_CHANGED: Shape(
        {"scheme": None, "group": None, "period": None, "unit": None, "old": None, "new": None}, (UNIT,)
    ),
    Kind.PERIOD_CLOSED: Shape({"scheme": None, "group": None, "period": None}),
    Kind.SCHEME_ADOPTED: Shape({"scheme": None}),
    Kind.SURVEY_TURNED: Shape({"turn": SURVEY_TURNS, "scheme": None, "survey": None, "round": None}),
    Kind.FEED_TURNED: Shape({"state": FEED_STATES, "source": None, "feed": None}),
    Kind.DAY_TURNED: Shape({"state": DAY_STATES, "source": None}),
    Kind.CONFLICT_FOUND: Shape({"source": None, "type": None, "unit": None, "why": None}, (UNIT,)),
    Kind.INBOUND_REFUSED: Shape({"source": None, "topic": None, "code": None}),
}


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


Value = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=128)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RuleSpec(_Closed):
    """One rule: it listens `on` a kind of event `when` fields have one of the values named for them.

    `to` is `unit`, `co-handlers`, `assessor`, `unit:<code>` or `webhook:<endpoint>`; who signs has `role`.
    """

    code: str = Field(pattern=CODE_PATTERN)
    name: str = Field("", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    on: Kind = Field(strict=False)
    when: dict[str, Annotated[list[Value], Field(min_length=1, max_length=MOST_VALUES)]] = Field({})
    severity: Severity = Field(strict=False)
    role: Literal["operator", "author", "approver"] = "operator"
    to: list[str] = Field(min_length=1, max_length=MOST_RECIPIENTS)


class RulesDocument(_Closed):
    """The rules that are in force together; none at all is a document too."""

    rules: list[RuleSpec] = Field(max_length=MOST_RULES)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a document is refused, and where."""

    path: str
    code: str
    reason: str


def read(document: object) -> RulesDocument | list[Finding]:
    """Read a document, or return everything that is wrong with it."""
    try:
        parsed = RulesDocument.model_validate(document)
    except ValidationError as error:
        return [
            Finding("".join(f"/{step}" for step in one["loc"]), "shape", one["msg"])
            for one in error.errors(include_url=False, include_input=False)
        ]
    return [finding for check in CHECKS for finding in check(parsed)] or parsed


def rules_of(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of a document that was adopted."""
    return tuple(map(_rule, RulesDocument.model_validate(document).rules))


def codes_are_used_once(document: RulesDocument) -> Iterator[Finding]:
    """A rule's code is part of the identity of its notices."""
    seen: set[str] = set()
    for place, rule in enumerate(document.rules):
        if rule.code in seen:
            yield Finding(f"/rules/{place}/code", "duplicate", f"Another rule has the code {rule.code}.")
        seen.add(rule.code)


def fields_belong_to_the_event(document: RulesDocument) -> Iterator[Finding]:
    """Only what is told of an event can be compared."""
    for place, rule in enumerate(document.rules):
        for name in rule.when:
            if name not in SHAPES[rule.on].fields:
                known = ", ".join(SHAPES[rule.on].fields)
                yield Finding(f"/rules/{place}/when/{name}", "unknown_field", f"{rule.on} has: {known}.")


def values_can_occur(document: RulesDocument) -> Iterator[Finding]:
    """A value that no event has would make a rule silent."""
    for place, rule in enumerate(document.rules):
        for name, values in rule.when.items():
            known = SHAPES[rule.on].fields.get(name)
            for at, value in enumerate(values):
                if known is not None and str(value) not in known:
                    yield Finding(
                        f"/rules/{place}/when/{name}/{at}", "unknown_value", f"{value} is no {name}."
                    )


def recipients_are_known(document: RulesDocument) -> Iterator[Finding]:
    """A recipient is a word that the event can answer, a unit or an endpoint."""
    for place, rule in enumerate(document.rules):
        for at, to in enumerate(rule.to):
            word, colon, name = to.partition(":")
            named = bool(colon) and word in {UNIT, WEBHOOK} and is_code(name)
            words = SHAPES[rule.on].words
            if not named and to not in words:
                known = ", ".join([*words, "unit:<code>", "webhook:<endpoint>"])
                yield Finding(
                    f"/rules/{place}/to/{at}", "unknown_recipient", f"{rule.on} can be told to: {known}."
                )


CHECKS: tuple[Callable[[RulesDocument], Iterator[Finding]], ...] = (
    codes_are_used_once,
    fields_belong_to_the_event,
    values_can_occur,
    recipients_are_known,
)


def _rule(spec: RuleSpec) -> Rule:
    return Rule(
        code=spec.code,
        on=spec.on,
        severity=spec.severity,
        role=spec.role,
        to=tuple(spec.to),
        when={name: frozenset(map(str, values)) for name, values in spec.when.items()},
    )
