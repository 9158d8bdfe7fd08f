"""What people call the columns of rows: the titles of the event-type fields that they hold."""

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.titles import titles_of
from tests.scoring_domain.incidents import document

TYPES = {
    "types": {
        "finding.audit.v1": {
            "title": "F",
            "fields": {"severity": {"type": "integer", "title": "严重程度"}, "status": {"type": "code"}},
        },
        "risk.pushed.v1": {"title": "R", "fields": {"deadline": {"type": "time", "title": "答复期限"}}},
    }
}


def test_a_row_of_events_has_the_titles_of_its_type():
    assert titles_of(document(), "finding.audit.v1", TYPES) == {"severity": "严重程度"}
    assert titles_of(document(), "finding.patrol.v1", TYPES) == {}
    assert titles_of(document(), "decided:incidents", TYPES) == {}


def test_a_column_of_a_case_has_the_title_of_the_field_that_it_takes():
    view = {
        "events": ["risk.pushed.v1", "finding.audit.v1"],
        "columns": {
            "due": {"max": "deadline", "of": "risk.pushed.v1"},
            "deadline": {"first": "status", "of": "finding.audit.v1"},
            "came": {"min": "time", "of": "risk.pushed.v1"},
            "times": {"count": "*", "of": "risk.pushed.v1"},
        },
    }
    told = document().model_dump(by_alias=True, exclude_none=True) | {"views": {"risks": view}}
    assert titles_of(SchemeDocument.model_validate(told), "risks", TYPES) == {"due": "答复期限"}
