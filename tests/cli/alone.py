"""The command line without a platform."""

from typer.testing import CliRunner

from dukao.cli import app


def run(folder, *words):
    """Run a command that finds no platform in a folder."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"DUKAO_STATE": str(folder / "state")})
