"""The page of the alerts: what calls a person, when, and what to do then."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deploy.embedded.files import CHECKOUT
from deploy.table import SERVICES

FILE = CHECKOUT / "deploy" / "alerts.yml"

_HEAD = """# Alerts

Generated from [`deploy/alerts.yml`](../deploy/alerts.yml), rules for Prometheus; `make docs` writes it anew.
A failure of ours stops its shard, and somebody must come. What stands still cannot tell of itself, so each
service is asked from outside: it shows its metrics under `/metrics`, without a token. A gauge stands for as
long as what it tells of lasts; a retry or a skip that was obeyed lowers it. What persons of units and sources
are to know is a [notice](notices.md) instead.

Prometheus reads the rules and asks every worker of each service. Its Alertmanager calls whoever is on duty:
`page` at any hour, `ticket` on the next working day. Neither comes with Dukao.

```yaml
rule_files: [alerts.yml]
scrape_configs:
  - job_name: dukao
    scrape_interval: 15s
    static_configs:
      - targets: [{targets}]
```

Further workers are targets too: `dukao status` names their parts (`scoring-2`) and ports.

Where nobody runs Prometheus, `dukao status` tells of halted shards and stopped partitions and ends with 1. It
ends with 4 where a part is not ready, or a service hangs for ten seconds or refuses: then nobody knows what
stands still there.
"""
_TABLE = """
## {title}

| alert | after | says | what to do |
|---|---|---|---|
"""
_TITLES = {"page": "Calls a person now", "ticket": "Waits for the next working day"}
_PLACEHOLDER = re.compile(r"\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}")


def rules() -> list[dict[str, Any]]:
    """Return the rules as they stand in the file."""
    (group,) = yaml.safe_load(FILE.read_text("utf-8"))["groups"]
    return group["rules"]


def page() -> str:
    """Return the page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD.format(targets=", ".join(f"'127.0.0.1:{service.port}'" for service in SERVICES))
    for severity, title in _TITLES.items():
        yield _TABLE.format(title=title)
        yield from (_row(rule) for rule in rules() if rule["labels"]["severity"] == severity)


def _row(rule: Mapping[str, Any]) -> str:
    told = rule["annotations"]
    cells = (
        f"`{rule['alert']}`",
        rule.get("for", "at once"),
        _plain(told["summary"]),
        _plain(told["action"]),
    )
    return f"| {' | '.join(cells)} |\n"


def _plain(text: str) -> str:
    """Return a text with names in the places that Prometheus fills."""
    return _PLACEHOLDER.sub(lambda found: "N" if found[1] == "value" else found[1].upper(), text)
