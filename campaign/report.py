"""The report of a campaign: JSON for machines, a table for people, the same rows."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from campaign.run import Result, now
from deploy.embedded.files import CHECKOUT

JSON = "campaign.json"
MARKDOWN = "campaign.md"
SHOWN = 3


def write(results: Sequence[Result], folder: Path) -> None:
    """Write both files anew."""
    document = {"machine": machine(), "results": [asdict(result) for result in results]}
    (folder / JSON).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / MARKDOWN).write_text(markdown(document), "utf-8")


def machine() -> dict[str, Any]:
    """Return when and on what this runs."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return {
        "at": now(),
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_gib, 1),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    told = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=10, check=False)
    return told.stdout.strip() or "unknown"


def markdown(document: dict[str, Any]) -> str:
    """Return the table of a report."""
    on = document["machine"]
    memory = f"{on['memory_gib']} GiB, {on['system']}"
    lines = [
        f"Written {on['at']}, commit {on['commit']}: {on['cores']} cores, load {on['load']}, {memory}.",
        "",
        "| # | fault, how | expected | when, events, seed, load | observed | back | drained | result |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(result) for result in document["results"])]) + "\n"


def merged(files: Sequence[Path]) -> str:
    """Return the page of several reports, the last run of each fault, each run with its machine."""
    latest: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for file in files:
        document = json.loads(file.read_text("utf-8"))
        latest |= {one["fault"]: (one, document["machine"]) for one in document["results"]}
    runs: dict[str, dict[str, Any]] = {}
    for result, on in latest.values():
        runs.setdefault(on["at"], {"machine": on, "results": []})["results"].append(result)
    return "\n".join(markdown(run) for run in runs.values())


def summary(results: Sequence[Result]) -> str:
    """Return one line a fault."""
    lines = [
        f"{one.fault:4} {one.outcome:8} seed {one.seed} {one.took_s:6.1f} s {_blame(asdict(one))}"
        for one in results
    ]
    counts = {
        name: sum(one.outcome == name for one in results) for name in ("pass", "late", "fail", "not run")
    }
    return "\n".join([*lines, ", ".join(f"{count} {name}" for name, count in counts.items())])


def _row(result: dict[str, Any]) -> str:
    seen = [
        f"{one['what']} ({one['detail']})" if one["detail"] else one["what"]
        for one in result["seen"]
        if one["held"]
    ]
    back = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result["back_s"].items()) or "–"
    drained = "–" if result["drained_s"] is None else f"{result['drained_s']:.1f} s"
    outcome = result["outcome"]
    ran = f"{result['at']}, {result['acknowledged']} acknowledged, seed {result['seed']}"
    ran += f", load {result['load']}" if "load" in result else ""
    words = [result["fault"], result["how"], result["expected"], ran, "; ".join(seen) or "–", back, drained]
    blame = _blame(result)
    return (
        "| "
        + " | ".join(_cell(word) for word in [*words, f"{outcome}: {blame}" if blame else outcome])
        + " |"
    )


def _blame(result: dict[str, Any]) -> str:
    """Say what did not hold."""
    not_held = [f"{one['what']} ({one['detail']})" for one in result["seen"] if not one["held"]]
    found = [f"{name}: {wrong[0]}" for name, wrong in result["checks"].items()]
    return "; ".join([*([result["why"]] if result["why"] else []), *not_held[:SHOWN], *found[:SHOWN]])


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


if __name__ == "__main__":
    print(merged([Path(name) for name in sys.argv[1:]]), end="")
