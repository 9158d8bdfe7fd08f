"""Where a webhook may point to: an https URL of a name that the DNS knows, and nothing else."""

import re
from typing import NamedTuple

from shared.kernel.errors import Refused, refuse

LONGEST_URL = 1_000
HTTPS_PORT = 443
FIRST_FREE_PORT = 1024
LAST_PORT = 65535

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_URL = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})+)(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?\Z"
)
_LONGEST_HOST = 253


class Target(NamedTuple):
    """The name, the port and the rest of a webhook's URL, as it is written in the request line."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def read_target(url: str) -> Target:
    """Read a URL, or refuse it with `url`.

    Refused are every scheme but https, every notation of an IP address, `localhost`, names of one label,
    international names, users, fragments, and ports below 1024 but 443.
    """
    found = _URL.match(url)
    if found is None or len(url) > LONGEST_URL:
        raise refused("It is written https://name.of.host/path, in ASCII, without user and fragment.")
    host = found["host"].lower()
    _check_name(host)
    port = int(found["port"] or HTTPS_PORT)
    if port != HTTPS_PORT and not FIRST_FREE_PORT <= port <= LAST_PORT:
        raise refused("The port is 443, or 1024 or above.")
    return Target(host, port, (found["path"] or "/") + (found["query"] or ""))


def refused(why: str) -> Refused:
    """Return the refusal of a URL."""
    return refuse(422, "url", why, pointer="/url")


def _check_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > _LONGEST_HOST:
        raise refused("The name is too long.")
    if labels[-1][0].isdigit():  # as browsers read it: 127.1, 0x7f000001 and 10.0.0.0x1 are addresses
        raise refused("It names a host, not an address.")
    if labels[-1] == "localhost":
        raise refused("It names another host than this one.")
    if any(label.startswith("xn--") for label in labels):
        raise refused("International names are not taken.")
