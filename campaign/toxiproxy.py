"""A proxy that spoils connections: toxiproxy, built by Go at a pinned version into the cache."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx

from campaign.platform import NotHereError, until
from deploy.embedded.files import cache_folder, free_port
from deploy.processes import spawn, stop

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server"
VERSION = "v2.12.0"
BUILD_S = 600.0
READY_S = 20.0


class Proxy:
    """One address that leads to another, and what is done to the bytes on their way."""

    def __init__(self, client: httpx.AsyncClient, name: str, port: int) -> None:
        self.port = port
        self._client = client
        self._name = name

    @contextlib.asynccontextmanager
    async def toxic(self, kind: str, stream: str, **attributes: int) -> AsyncGenerator[None]:
        """Spoil a stream for the time of a `with`: `upstream` to the server, `downstream` from it."""
        toxic = {"name": kind, "type": kind, "stream": stream, "attributes": attributes}
        answer = await self._client.post(f"/proxies/{self._name}/toxics", json=toxic)
        answer.raise_for_status()
        try:
            yield
        finally:
            (await self._client.delete(f"/proxies/{self._name}/toxics/{kind}")).raise_for_status()


@contextlib.asynccontextmanager
async def proxied(folder: Path, upstream: int) -> AsyncGenerator[Proxy]:
    """Run a proxy before a loopback port."""
    api, listen = free_port(), free_port()
    process = spawn(
        [str(server()), "-host", "127.0.0.1", "-port", str(api)], folder, folder / "toxiproxy.log"
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api}", trust_env=False) as client:

            async def answers() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get("/version")).is_success
                return False

            await until(answers, seconds=READY_S, what="toxiproxy answers")
            made = {"name": "proxy", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}"}
            (await client.post("/proxies", json=made)).raise_for_status()
            yield Proxy(client, "proxy", listen)
    finally:
        stop(process)


def server() -> Path:
    """Return the program, built if it is not in the cache yet."""
    program = cache_folder() / f"toxiproxy-{VERSION}" / "server"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise NotHereError(f"Go is not here to build toxiproxy {VERSION}: install Go 1.23 or newer")
    program.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [go, "install", f"{MODULE}@{VERSION}"],
        env=os.environ | {"GOBIN": str(program.parent)},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if done.returncode != 0:
        raise NotHereError(f"toxiproxy {VERSION} could not be built: {done.stderr.strip()[-300:]}")
    return program
