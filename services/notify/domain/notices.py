"""Notices: one per event, rule and recipient, each with an identity of its own for ever."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.notify.domain.happenings import Happening
from services.notify.domain.rules import Recipient, Rule, recipients
from shared.kernel import instants
from shared.kernel.canonical import canonical
from shared.kernel.digests import key_digest

WEBHOOK_TYPE = "dukao.notice.v1"


@dataclass(frozen=True, slots=True)
class Notice:
    """What one recipient is told of one happening by one rule."""

    rule: Rule
    to: Recipient
    happening: Happening

    @property
    def id(self) -> str:
        """32 hexadecimal digits that stand for event, rule, channel and recipient."""
        return key_digest(self.happening.event, self.rule.code, self.to.channel, self.to.name).hex()


def notices(rules: Sequence[Rule], happening: Happening) -> Iterator[Notice]:
    """Yield the notices of a happening under the rules in force for it."""
    for rule in rules:
        if rule.takes(happening):
            for to in recipients(rule, happening):
                yield Notice(rule, to, happening)


def webhook_body(notice: Notice) -> bytes:
    """Return the body that an endpoint is sent: always the same bytes for the same notice."""
    happening = notice.happening
    data = {
        "id": notice.id,
        "event": happening.event,
        "kind": happening.kind.value,
        "rule": notice.rule.code,
        "severity": notice.rule.severity.value,
        "told": dict(happening.told),
    }
    return canonical({"type": WEBHOOK_TYPE, "timestamp": instants.text(happening.at), "data": data})
