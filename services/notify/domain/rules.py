"""Rules: which happenings become notices, how severe, for whom; data that an operator adopts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.notify.domain.happenings import Happening, Kind

INBOX = "inbox"
WEBHOOK = "webhook"
UNIT, CO_HANDLERS, ASSESSOR = "unit", "co-handlers", "assessor"


class Severity(StrEnum):
    """How much a notice presses."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a notice: a unit in its inbox, or the endpoint `webhook:<code>`."""

    name: str
    channel: str = INBOX


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule says; a field of `when` must have one of its values, as text.

    `to` names the unit it is about, its co-handlers, its assessor, `unit:<code>` or `webhook:<endpoint>`.
    """

    code: str
    on: Kind
    severity: Severity
    role: str
    to: tuple[str, ...]
    when: Mapping[str, frozenset[str]]

    def takes(self, happening: Happening) -> bool:
        """Tell whether a happening is one of those that it listens to."""
        told = {name: str(value) for name, value in happening.told.items() if value is not None}
        return self.on is happening.kind and all(
            told.get(name) in values for name, values in self.when.items()
        )


def recipients(rule: Rule, happening: Happening) -> Sequence[Recipient]:
    """Return who gets a notice, each once."""
    return list(dict.fromkeys(found for one in rule.to for found in _named(one, happening)))


def _named(to: str, happening: Happening) -> Iterator[Recipient]:
    word, _, name = to.partition(":")
    match word:
        case "webhook":
            yield Recipient(name, to)
        case "unit" if name:
            yield Recipient(name)
        case "co-handlers":
            yield from map(Recipient, happening.others)
        case _:
            unit = happening.assessor if word == ASSESSOR else happening.unit
            if unit is not None:
                yield Recipient(unit)
