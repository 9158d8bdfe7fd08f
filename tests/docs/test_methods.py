"""docs/methods.md tells of every method what the code says: title, source, parameters, formula."""

import re

import pytest
import yaml

from dukao.documents import FOLDER
from services.scoring.domain.methods.spec import MethodSpec

PAGE = (FOLDER / "methods.md").read_text("utf-8")
SECTIONS = {part.partition(" ")[0]: part for part in PAGE.split("\n## ")[1:]}
PARAMETERS = re.compile(r"`([a-z_]+)`")


def examples(section):
    """Return the methods that the example of a section writes."""
    text = section.partition("```yaml\n")[2].partition("```")[0]
    for block in re.split(r"(?m)^(?=method:)", text):
        if block.startswith("method:"):
            yield MethodSpec.model_validate(yaml.safe_load(block)["method"])


def test_every_method_has_its_section_and_no_other_has():
    assert list(SECTIONS) == list(MethodSpec.model_fields)


@pytest.mark.parametrize("name", MethodSpec.model_fields)
def test_a_section_tells_title_source_parameters_and_formulas_of_its_examples(name):
    section = SECTIONS[name]
    found = list(examples(section))
    assert found
    for method in found:
        assert method.name == name
        assert section.startswith(f"{name} {method.chosen.title}\n")
        assert f"* Source: {method.chosen.source}\n" in section + "\n"
        assert method.chosen.symbolic("actual") in " ".join(section.split())
    named = set(PARAMETERS.findall(section))
    kind = MethodSpec.model_fields[name].annotation.__args__[0]
    assert set(kind.model_fields) <= named, "name every parameter"
