"""A rule names metrics that the services show, a label that they have, and a command that can be given."""

import re
import shlex
from typing import Any

import httpx
import pytest
import typer

from dukao.alerts_page import page, rules
from dukao.cli import app
from dukao.documents import SERVICES, app_of
from dukao.lags import INBOUND_PREFIX, RELAYING
from services.ingest.contract import CONSUMER as INGEST
from services.ingest.outcomes import Outcome
from services.ingest.sharing import READER
from services.notify.contract import CONSUMER as NOTIFY
from services.ranking.contract import CONSUMER as RANKING
from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.supervision.contract import CONSUMER as SUPERVISION
from shared.runtime.settings import ServiceSettings
from shared.telemetry.metrics import CATALOGUE

RULES = {rule["alert"]: rule for rule in rules()}
OF_PROMETHEUS = {"instance", "job"}
CONSUMERS = {INGEST, NOTIFY, RANKING, CONSUMER_A, CONSUMER_B, SUPERVISION}
WITH_LEASES = CONSUMERS | {READER}
VALUES = {
    "by": {"mistakes", "order"},
    "consumer": CONSUMERS,
    "job": {"dukao"},
    "outcome": {outcome.value for outcome in Outcome},
    "reason": {"expired", "not yet"},
}

NAME = re.compile(r"\b(?:dukao_\w+|up)\b")
SELECTOR = re.compile(r"\b(dukao_\w+|up)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
COMMAND = re.compile(r"`dukao ([^`]*)`")
FILLED = re.compile(r"\{\{ \$labels\.(\w+) \}\}")


def labels_of(name: str) -> set[str]:
    return OF_PROMETHEUS | set(() if name == "up" else CATALOGUE[name].labels)


def filled(alert: str, text: str) -> list[str]:
    """Return a text as it is sent for each consumer that the rule can name."""
    known = WITH_LEASES if "dukao_leases_held" in NAME.findall(RULES[alert]["expr"]) else CONSUMERS
    chosen = re.search(r'consumer=~"([^"]*)"', RULES[alert]["expr"])
    return [FILLED.sub(one, text) for one in sorted(set(chosen[1].split("|")) if chosen else known)]


def grouped(expr: str) -> list[str]:
    return [label.strip() for found in GROUPED.findall(expr) for label in found.split(",")]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_shows_every_metric_of_the_rules(service: str) -> None:
    transport = httpx.ASGITransport(app=app_of(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        shown = (await client.get("/metrics")).text
    named = {name for rule in rules() for name in NAME.findall(rule["expr"])} - {"up"}
    assert len(named) > 12
    assert [name for name in sorted(named) if f"# TYPE {name} " not in shown] == []


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_selects_and_groups_by_labels_that_its_metrics_have(alert: str) -> None:
    expr = RULES[alert]["expr"]
    names = NAME.findall(expr)
    assert names
    for name, matchers in SELECTOR.findall(expr):
        found = MATCHER.findall(matchers)
        assert ", ".join(f'{label}{how}"{value}"' for label, how, value in found) == matchers
        for label, how, value in found:
            assert label in labels_of(name)
            if label in VALUES:
                assert set(value.split("|") if how == "=~" else [value]) <= VALUES[label]
    for label in grouped(expr):
        assert all(label in labels_of(name) for name in names), label
    assert expr.count("(") == expr.count(")")


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_says_who_is_called_and_names_a_command_that_can_be_given(alert: str) -> None:
    rule = RULES[alert]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "action"}
    told = filled(alert, rule["annotations"]["action"])
    assert all(COMMAND.findall(text) for text in told)
    for call in {call for text in told for call in COMMAND.findall(text)}:
        given = shlex.split(call)
        command: Any = typer.main.get_command(app)
        rest = [word for word in given if word != "--help"]
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        if "--help" not in given:
            named = command.make_context(call, rest).params.get("consumer")
            assert named in {None, RELAYING, *CONSUMERS} or named.startswith(INBOUND_PREFIX), call


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_speaks_of_labels_that_are_left_when_it_fires(alert: str) -> None:
    rule = RULES[alert]
    expr = rule["expr"]
    aggregated = re.search(r"\b(?:sum|max|min)\b(?!_)", expr) is not None
    left = set(grouped(expr)) if aggregated else labels_of(NAME.findall(expr)[0])
    assert {name for text in rule["annotations"].values() for name in FILLED.findall(text)} <= left


def test_storage_shrinks_to_the_floor_below_which_no_event_is_taken() -> None:
    floor = ServiceSettings.model_fields["storage_floor_bytes"].default
    assert RULES["DukaoStorageShrinks"]["expr"].endswith(f" < {floor}")


def test_time_stands_only_where_a_tick_comes_each_minute() -> None:
    """A consumer that is told nothing has applied nothing new for a good reason."""
    assert filled("DukaoTimeStands", "{{ $labels.consumer }}") == [CONSUMER_A, SUPERVISION]


def test_a_counter_that_begins_with_its_first_mishap_is_seen_too() -> None:
    """Of a counter that was not there before, Prometheus knows no increase."""
    for alert, rule in RULES.items():
        if "increase(" in rule["expr"] and alert != "DukaoClockSkewed":
            assert " unless " in rule["expr"], alert


def test_the_page_has_a_row_for_each_rule_and_nothing_left_to_fill() -> None:
    told = page()
    assert [alert for alert in RULES if told.count(f"| `{alert}` |") != 1] == []
    assert "{{" not in told
