"""YAML is read strictly, and every place knows its line."""

import pytest

from dukao.yamls import UnreadableError, parse, read


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "duplicate_key"),
        ("a: 1\nb: &anchor 1\n", 2, "anchor"),
        ("a: 1\nb: *alias\n", 2, "anchor"),
        ("a: &x [1]\nb: *x\n", 1, "anchor"),
        ("a: !!int 3\n", 1, "tag"),
        ("a: !!python/object:os.system {}\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "documents"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: 1 # note\twith a tab\n", 1, "tab"),
        ("a: 1\nb: 0.25\n", 2, "number"),
        ("a: 1e3\n", 1, "number"),
        ("a: 1\nb: [1,\n", 3, "yaml"),
        ("? [a, b]\n: 1\n", 1, "key"),
        ("# nothing\n", 1, "empty"),
        ("\ufeffa: 1\n", 1, "encoding"),
        ("a: \x07\n", 1, "yaml"),
        ("[" * 33 + "]" * 33, 1, "depth"),
    ],
)
def test_what_reads_differently_than_it_looks_is_refused_with_its_line(text, line, code):
    with pytest.raises(UnreadableError) as refused:
        parse(text, "scheme.yaml")
    assert (refused.value.line, refused.value.code) == (line, code)
    assert str(refused.value).startswith(f"scheme.yaml:{line} {code} ")


def test_scalars_are_those_of_json_and_everything_else_is_text():
    sheet = parse("a: 2011-07\nb: no\nc: 2011-07-01\nd: 010\ne: -5\nf: true\ng:\nh: '7'\ni: ~\n", "f")
    assert sheet.value == {
        "a": "2011-07",
        "b": "no",
        "c": "2011-07-01",
        "d": "010",
        "e": -5,
        "f": True,
        "g": None,
        "h": "7",
        "i": "~",
    }


def test_every_pointer_has_its_line():
    sheet = parse("units:\n  - code: a\n    parent: b\n  - {code: c}\ngroups:\n  a/b~c: {level: x}\n", "f")
    assert sheet.line("/units/0/parent") == 3
    assert sheet.line("/units/1/code") == 4
    assert sheet.line("/groups/a~1b~0c/level") == 6


def test_a_missing_place_has_the_line_of_the_nearest_above():
    sheet = parse("scheme:\n  code: a\nboards:\n  - code: b\n", "f")
    assert sheet.line("/boards/0/points") == 4
    assert sheet.line("/measures") == 1


def test_a_file_in_another_encoding_is_refused_at_its_line(tmp_path):
    file = tmp_path / "scheme.yaml"
    file.write_bytes(b"a: 1\nb: " + "税务".encode("gb18030") + b"\n")
    with pytest.raises(UnreadableError) as refused:
        read(file)
    assert (refused.value.line, refused.value.code) == (2, "encoding")
