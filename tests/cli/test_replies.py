"""Replies from the command line, without a platform."""

import pytest

from dukao.exits import Exit
from tests.cli.alone import run


@pytest.mark.parametrize("words", [("send", "1742"), ("answer", "3"), ("show", "x")])
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "replies", *words).exit_code == Exit.USAGE
