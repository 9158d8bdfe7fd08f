"""Finds in the source every code that a service can answer with, and where; docs/errors.md is compared with it.

A code is found where it is written: as the literal, or a constant of one, in a call that makes a problem or a
finding. A code that only passes through (`problem.code`, an argument named `code`) was written elsewhere. What is
neither is not read silently: it is reported as a place that this module must be told of.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.outcomes import REFUSALS
from services.ingest.domain.decisions import REPLAYABLE
from services.supervision.deciding import OWN
from shared.web import problems

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "shared")
# what makes a problem: (the place of its status, or the status itself, as text; the place of its code)
MAKERS = {"refuse": (0, 1), "Problem": (0, 1), "_some": ("409", 1), "NotPossible": ("", 0)}
MAPPING_CELLS = "services/ingest/domain/mapping_cells.py"  # a value's problem leaves it as mapping_<code>
FINDINGS = (
    "services.scoring.domain.reading",
    "services.ingest.domain.mapping_check",
    "services.notify.domain.document",
)
UNAVAILABLE = "unavailable"


@dataclass
class Found:
    """Codes with the places where they are written; problems by (status, code)."""

    problems: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: list[str] = field(default_factory=list)


@dataclass
class Module:
    """A module, its calls, and the constants that stand in it."""

    place: str
    name: str
    tree: ast.Module
    texts: dict[str, str]
    imports: dict[str, str]


def found() -> Found:
    """Return every code of every service."""
    modules = {module.name: module for module in _modules()}
    result = Found()
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                _read(node, module, modules, result)
    _known(result)
    return result


def _known(result: Found) -> None:
    """Add the codes that stand in tables."""
    for status, code in problems._STATUS_CODES.items():
        result.problems[status, code].append("shared/web/problems.py")
    for code in (*problems._CODES.values(), "invalid"):
        result.problems[422, code].append("shared/web/problems.py")
    result.problems[400, "refused"].append("shared/web/problems.py")
    for code in REFUSALS:
        result.problems[422, code].append("services/ingest/committing.py")
    result.problems[422, "mapping_code_charset"].append("services/ingest/domain/mapping_cells.py")
    result.findings["expression"].append("services/scoring/domain/check.py")
    for code in REPLAYABLE:
        result.problems[409, code].append("services/ingest/domain/admission.py")


def _modules() -> Iterator[Module]:
    for path in sorted(file for source in SOURCES for file in (ROOT / source).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text("utf-8"))
        texts = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and isinstance(node.value.value, str)
        }
        imports = {
            alias.asname or alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        yield Module(place, place.removesuffix(".py").replace("/", "."), tree, texts, imports)


def _read(call: ast.Call, module: Module, modules: dict[str, Module], result: Found) -> None:
    called = call.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    place = f"{module.place}:{call.lineno}"

    def text(node: ast.expr | None) -> str | None:
        return _text(node, module, modules)

    def argument(at: int, keyword: str) -> ast.expr | None:
        named = {one.arg: one.value for one in call.keywords}
        return call.args[at] if len(call.args) > at else named.get(keyword)

    if name == "Fault" or (name == "Finding" and _is_of_a_document(module)):
        node = argument(1, "code")
        code = text(node)
        if code is not None:
            result.findings[code].append(place)
        elif not _passes(node):
            result.unread.append(f"{place}: {ast.unparse(call)[:120]}")
    elif name.lower() == UNAVAILABLE:
        code = text(argument(1, "code")) if name == UNAVAILABLE else text(argument(9, "code"))
        result.problems[503, code or UNAVAILABLE].append(place)
    elif name in MAKERS and isinstance(called, ast.Name | ast.Attribute) and not _is_own_method(call):
        _problem(call, name, module, result, argument, text)


def _problem(call, name, module, result, argument, text) -> None:
    status_at, code_at = MAKERS[name]
    place = f"{module.place}:{call.lineno}"
    node = argument(code_at, "code")
    code = text(node)
    if code is None and _passes(node):
        return
    if code is not None and module.place == MAPPING_CELLS and not code.startswith("mapping_"):
        code = f"mapping_{code}"
    if name == "NotPossible":
        status = 403 if code in OWN else 409
    elif isinstance(status_at, int):
        given = argument(status_at, "status")
        status = given.value if isinstance(given, ast.Constant) else None
    else:
        status = int(status_at)
    if code is None or status is None:
        result.unread.append(f"{place}: {ast.unparse(call)[:120]}")
    else:
        result.problems[status, code].append(place)


def _text(node: ast.expr | None, module: Module, modules: dict[str, Module]) -> str | None:
    """Return the text that an expression is, if it is one: a literal, or a constant here or imported."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        if node.id in module.texts:
            return module.texts[node.id]
        home = modules.get(module.imports.get(node.id, ""))
        return home.texts.get(node.id) if home else None
    return None


def _passes(node: ast.expr | None) -> bool:
    """Tell whether a code only passes through from where it was written."""
    match node:
        case ast.Name(id="code") | ast.Attribute(attr="code"):
            return True
        case ast.Subscript(slice=ast.Constant(value="code")):
            return True
        case ast.JoinedStr():
            return ast.unparse(node) == "f'mapping_{problem.code}'"
        case _:
            return isinstance(node, ast.Attribute) and ast.unparse(node) == "ruling.why"


def _is_own_method(call: ast.Call) -> bool:
    """`self.refuse(refusals)` keeps refusals; it makes none."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "refuse"


def _is_of_a_document(module: Module) -> bool:
    """Tell whether `Finding` is here what a check found in a document; incidents have findings of their own."""
    return module.name in FINDINGS or module.imports.get("Finding") in FINDINGS
