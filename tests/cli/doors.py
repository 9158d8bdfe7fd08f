"""Real doors behind the command line: apps that a test serves as parts of a platform that is said to be ready."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner

from deploy.issuing import open_issuer
from deploy.processes import identity
from deploy.state import PARTS, Part, Record, State
from dukao.cli import app as dukao
from shared.web.development_issuer import ISSUER
from shared.web.tokens import KeyFile, TokenCheck, audience_of
from tests.waiting import becomes


class Doors:
    """A platform whose services are the apps that are served; the others are away."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state")
        self.state.folder.mkdir(mode=0o700)
        self.issuer = open_issuer(self.state.issuer)
        here = identity(os.getpid())
        parts = tuple(Part(name, state="ready") for name in PARTS)
        self.state.write(Record(supervisor=here, phase="ready", parts=parts))

    def tokens(self, service: str) -> TokenCheck:
        """Return how a service checks the tokens of the command."""
        return TokenCheck(issuer=ISSUER, audience=audience_of(service), keys=KeyFile(self.issuer.jwks_file))

    @asynccontextmanager
    async def served(self, service: str, app: FastAPI) -> AsyncGenerator[None]:
        """Let a service be there for as long as this lasts."""
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            await becomes(lambda: server.started)
            try:
                self.tell(Part(service, server.servers[0].sockets[0].getsockname()[1], state="ready"))
                yield
            finally:
                self.tell(Part(service, state="ready"))
                server.should_exit = True

    async def run(self, *words: str):
        """Run a command while the doors answer."""
        line = ["--state", str(self.state.folder), *words]
        return await asyncio.to_thread(CliRunner().invoke, dukao, line)

    def tell(self, part: Part) -> None:
        """Let the record of the platform say this of a part."""
        self.state.write(self.state.read().with_part(part))
