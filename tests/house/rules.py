"""Rules of the house that no import contract can say, read from the syntax tree."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

COMMITS_IN = {"shared/storage/exchange.py"}
PUBLISHES_IN = {"shared/messaging/relay.py", "shared/messaging/kafka_broker.py"}
CLOCKLESS = ("services/", "shared/kernel/", "shared/contracts/")
ENVIRONMENT_IN = ("wiring.py", "__main__.py")


@dataclass(frozen=True, slots=True)
class Finding:
    path: str
    line: int
    rule: str


def findings(root: Path) -> list[Finding]:
    """Every violation under `services` and `shared` of a checkout."""
    return [
        finding
        for package in ("services", "shared")
        for file in sorted((root / package).rglob("*.py"))
        for finding in _of_file(file.relative_to(root).as_posix(), ast.parse(file.read_text("utf-8")))
    ]


def packages_imported(root: Path, packages: Sequence[str]) -> set[str]:
    """Return the packages, by their first names, that modules of these packages import."""
    found: set[str] = set()
    for package in packages:
        for file in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found.add((node.module or "").partition(".")[0])
    return found


def _of_file(path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(path, node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports_inside(path, node)
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node) == "os.environ"
            and not path.endswith(ENVIRONMENT_IN)
        ):
            yield Finding(path, node.lineno, "settings are read in wiring")


def _of_call(path: str, call: ast.Call) -> Iterator[Finding]:
    name = ast.unparse(call.func)
    if name.endswith(".commit") and path not in COMMITS_IN:
        yield Finding(path, call.lineno, "one place commits")
    if (
        name.endswith((".send", ".send_batch", ".publish"))
        and "producer" in name
        and path not in PUBLISHES_IN
    ):
        yield Finding(path, call.lineno, "one place publishes")
    if _ends_early(call):
        yield Finding(path, call.lineno, "a pattern ends where the text ends")
    if path.startswith(CLOCKLESS) and name.endswith(("datetime.now", "datetime.utcnow", "time.time")):
        yield Finding(path, call.lineno, "no clock in a decision")


def _ends_early(call: ast.Call) -> bool:
    """Tell whether a pattern of `re`, which msgspec searches with too, ends in `$` and lets a line end follow."""
    name = ast.unparse(call.func)
    patterns = [word.value for word in call.keywords if word.arg == "pattern" and name == "Meta"]
    patterns += call.args[:1] if name in {"re.compile", "re.match", "re.search"} else []
    return any(ast.unparse(one).endswith(("$'", '$"', "PATTERN")) for one in patterns)


def _imports_inside(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    for node in ast.walk(function):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield Finding(path, node.lineno, "no import inside a function")
