"""Entries and rules as the door shows them."""

from collections.abc import Sequence

from services.notify.answers import EntryAnswer, InboxPage, RulesAnswer, Signed
from services.notify.domain.happenings import Kind
from services.notify.domain.links import link_of
from services.notify.domain.texts import SEVERITIES, Lang, text_of
from services.notify.inbox import Entry
from services.notify.store import Adopted
from shared.kernel import instants
from shared.kernel.canonical import digest_hex

NO_RULES = {"rules": []}


def entry_answer(entry: Entry, lang: Lang) -> EntryAnswer:
    """Return an entry with its text."""
    kind = Kind(entry.kind)
    signed = None
    if entry.signed_by is not None and entry.signed_at is not None:
        signed = Signed(person=entry.signed_by, at=instants.text(entry.signed_at))
    return EntryAnswer.model_validate(
        {
            "id": entry.id,
            "event": entry.event,
            "kind": entry.kind,
            "rule": entry.rule,
            "severity": entry.severity,
            "severity_name": SEVERITIES[entry.severity][lang is Lang.EN],
            "role": entry.role,
            "unit": entry.recipient,
            "at": instants.text(entry.at),
            "state": entry.state,
            "text": text_of(kind, entry.told, lang, entry.names),
            "link": link_of(kind, entry.told),
            "told": dict(entry.told),
            "signed": signed,
            "cancelled": None if entry.cancelled is None else instants.text(entry.cancelled),
        }
    )


def page(entries: Sequence[Entry], limit: int, lang: Lang) -> InboxPage:
    """Return a page of entries."""
    following = entries[-1].id if len(entries) == limit else None
    return InboxPage(items=[entry_answer(one, lang) for one in entries], next=following)


def rules_answer(adopted: Adopted | None) -> RulesAnswer:
    """Return a version of the rules, or that there are none."""
    if adopted is None:
        return RulesAnswer(version=0, digest=digest_hex(NO_RULES), person=None, at=None, rules=[])
    return RulesAnswer(
        version=adopted.version,
        digest=adopted.digest.hex(),
        person=adopted.person,
        at=instants.text(adopted.at),
        rules=list(adopted.document["rules"]),
    )
