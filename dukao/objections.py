"""What was said to entries of a cell, as people read it: reviews and decisions, replies and answers."""

from collections.abc import Iterator, Mapping
from typing import Any

REVIEWS = {"asked": "待复核", "dropped": "已撤回", "upheld": "维持", "changed": "变更"}


def objections(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each review and reply, and one for what was decided or answered."""
    for one in answer["reviews"]:
        yield f"review   {one['id']} {one['asked_at'][:10]} {one['asked_by']}: {one['asked']}"
        if one["decided"] is None:
            yield f"         {REVIEWS[one['state']]}"
        else:
            changed = "".join(f" {name} {value}" for name, value in one["difference"].items())
            yield f"         {REVIEWS[one['state']]}{changed}, {_said(one, 'decided')}"
    for one in answer["replies"]:
        yield f"reply    {one['number']} {one['at'][:10]} {one['person']}: {one['says']}"
        yield "         未答复" if one["answer"] is None else f"         {_said(one, 'answered', 'answer')}"
    if answer["truncated"]:
        yield "         …… 其余见 dukao reviews list、dukao replies list"


def _said(one: Mapping[str, Any], done: str, says: str | None = None) -> str:
    return f"{one[f'{done}_at'][:10]} {one[f'{done}_by']}: {one[says or done]}"
