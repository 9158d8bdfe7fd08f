"""What docs/measures.md says of the language and of examples is so."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from services.scoring.domain.expressions import Kind
from services.scoring.domain.keyed import numerator
from shared.kernel.errors import Refused

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "measures.md").read_text("utf-8")
COLUMNS = {
    "opened": Kind.TIME,
    "deadline": Kind.TIME,
    "closed": Kind.TIME,
    "amount": Kind.NUMBER,
    "count": Kind.NUMBER,
    "level": Kind.TEXT,
    "urgent": Kind.BOOLEAN,
}


def rows(heading):
    table = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0]
    return re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)


@pytest.mark.parametrize("text", rows("taken"))
def test_what_the_page_says_is_taken_is_taken(text):
    assert numerator(text, COLUMNS)({}) >= 0


@pytest.mark.parametrize("text", rows("refused"))
def test_what_the_page_says_is_refused_is_refused(text):
    with pytest.raises(Refused) as refused:
        numerator(text, COLUMNS)
    assert refused.value.problem.code == "expression"


def test_the_example_of_the_page_holds(tmp_path):
    (written,) = re.findall(r"```yaml\n(examples:.*?)```", PAGE, re.DOTALL)
    sample = ROOT / "samples" / "boston311"
    shutil.copy(sample / "types.yaml", tmp_path)
    scheme = (sample / "scheme.yaml").read_text("utf-8")
    (tmp_path / "scheme.yaml").write_text(scheme[: scheme.index("\nexamples:")] + f"\n{written}", "utf-8")
    done = CliRunner().invoke(app, ["measure", "test", str(tmp_path / "scheme.yaml")])
    assert done.exit_code == 0, done.output
    assert "2 of 2 expectations hold" in done.stderr
