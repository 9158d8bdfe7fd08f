"""The document of rules: its shape, what is wrong with one, and the rules that it says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.notify.domain.happenings import Kind
from services.notify.domain.rules import ASSESSOR, CO_HANDLERS, UNIT, WEBHOOK, Rule, Severity
from shared.kernel.codes import CODE_PATTERN, is_code

MOST_RULES = 200
MOST_VALUES = 200
MOST_RECIPIENTS = 50
ITEM_FIELDS = ("item", "kind", "unit", "scheme", "indicator")
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.ITEM_STATE: ("state", *ITEM_FIELDS),
    Kind.ITEM_LIGHT: ("light", *ITEM_FIELDS),
    Kind.ITEM_LATE: ("late_day", *ITEM_FIELDS),
    Kind.TIER_CHANGED: ("scheme", "group", "period", "unit", "old", "new"),
}
VALUES: Mapping[str, frozenset[str]] = {
    "state": frozenset(
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
    ),
    "light": frozenset({"green", "yellow", "red", "done", "done_late", "off"}),
    "kind": frozenset({"decision", "document", "instruction", "control_risk", "alleged_finding"}),
}
WORDS: Mapping[Kind, frozenset[str]] = {
    Kind.ITEM_STATE: frozenset({UNIT, CO_HANDLERS, ASSESSOR}),
    Kind.ITEM_LIGHT: frozenset({UNIT, CO_HANDLERS, ASSESSOR}),
    Kind.ITEM_LATE: frozenset({UNIT, CO_HANDLERS, ASSESSOR}),
    Kind.TIER_CHANGED: frozenset({UNIT}),
}
Value = Annotated[str, Field(min_length=1, max_length=128)] | Annotated[int, Field(ge=1, le=10_000)]


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
            yield Finding(f"/rules/{place}/code", "code_twice", f"Another rule has the code {rule.code}.")
        seen.add(rule.code)


def fields_belong_to_the_event(document: RulesDocument) -> Iterator[Finding]:
    """Only what is told of an event can be compared."""
    for place, rule in enumerate(document.rules):
        for name in rule.when:
            if name not in FIELDS[rule.on]:
                known = ", ".join(FIELDS[rule.on])
                yield Finding(f"/rules/{place}/when/{name}", "field", f"{rule.on} has: {known}.")


def values_can_occur(document: RulesDocument) -> Iterator[Finding]:
    """A value that no event has would make a rule silent."""
    for place, rule in enumerate(document.rules):
        for name, values in rule.when.items():
            for at, value in enumerate(values):
                if not _can_occur(rule.on, name, str(value)):
                    yield Finding(f"/rules/{place}/when/{name}/{at}", "value", f"{value} is no {name}.")


def recipients_are_known(document: RulesDocument) -> Iterator[Finding]:
    """A recipient is a word that the event can answer, a unit or an endpoint."""
    for place, rule in enumerate(document.rules):
        for at, to in enumerate(rule.to):
            word, colon, name = to.partition(":")
            named = bool(colon) and word in {UNIT, WEBHOOK} and is_code(name)
            if not named and to not in WORDS[rule.on]:
                words = ", ".join([*sorted(WORDS[rule.on]), "unit:<code>", "webhook:<endpoint>"])
                yield Finding(f"/rules/{place}/to/{at}", "recipient", f"{rule.on} can be told to: {words}.")


CHECKS: tuple[Callable[[RulesDocument], Iterator[Finding]], ...] = (
    codes_are_used_once,
    fields_belong_to_the_event,
    values_can_occur,
    recipients_are_known,
)


def _can_occur(on: Kind, name: str, value: str) -> bool:
    if name == "late_day":
        return value.isascii() and value.isdecimal() and not value.startswith("0")
    return on is Kind.TIER_CHANGED or name not in VALUES or value in VALUES[name]


def _rule(spec: RuleSpec) -> Rule:
    return Rule(
        code=spec.code,
        on=spec.on,
        severity=spec.severity,
        role=spec.role,
        to=tuple(spec.to),
        when={name: frozenset(map(str, values)) for name, values in spec.when.items()},
    )
