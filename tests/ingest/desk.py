"""A door of ingest at which the desk sends what is done and begun."""

import pytest

from tests.ingest.rig import serving

CATALOGUE = {
    "types": {
        "task.done.v1": {
            "title": "Done",
            "case": "optional",
            "business_key": ["number"],
            "fields": {
                "number": {"type": "code", "required": True},
                "amount": {"type": "decimal", "scale": 2},
                "remark": {"type": "text", "max": 100},
            },
        },
        "task.begun.v1": {
            "title": "Begun",
            "case": "optional",
            "fields": {"number": {"type": "code"}, "amount": {"type": "decimal", "scale": 2}},
        },
    },
    "sources": {"desk": {"title": "Desk", "units": ["11*", "2199"]}},
}


@pytest.fixture
async def door(exchange, tmp_path):
    async with serving(exchange, tmp_path, CATALOGUE) as rig:
        yield await rig.as_("ann", "author", "approver", "integrator", "operator")
