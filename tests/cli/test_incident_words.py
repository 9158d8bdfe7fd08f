"""The words in which the command line says what the service says of incidents by codes."""

from dukao.telling.incidents import DOUBTS, HAPPENED, STAGES, UNREAD
from services.scoring.domain.incidents.deciding import Doubt
from services.scoring.domain.incidents.facts import Status
from services.scoring.domain.incidents.reading import Unreadable
from services.scoring.incident_answers import HistoryLine


def test_every_code_of_a_question_a_report_and_the_history_has_words():
    assert {why.value for why in Doubt} == DOUBTS.keys()
    assert {why.value for why in Unreadable} == UNREAD.keys()
    assert {status.value for status in Status} <= STAGES.keys()
    assert set(HistoryLine.model_fields["what"].annotation.__args__) == HAPPENED.keys()
