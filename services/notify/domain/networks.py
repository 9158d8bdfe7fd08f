"""Which addresses a webhook may be sent to: those of the open internet, and networks that settings allow."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# IANA's special-purpose registries and multicast, with what lies behind a public address of a cloud.
DENIED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "of protocols"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/96", "loopback, unspecified, IPv4-compatible"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64 of a network"),
    ("100::/64", "discard-only"),
    ("2001::/23", "of protocols, Teredo among them"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_DENIED: tuple[tuple[Network, str], ...] = tuple((ip_network(network), why) for network, why in DENIED)
_GLOBAL_V6 = IPv6Network("2000::/3")
WIDEST_ALLOWED = {4: 8, 6: 32}  # a setting that allows more would switch the guard off


def why_denied(address: str, allowed: Sequence[Network]) -> str | None:
    """Return why an address is not sent to, `None` if it may be; zones of link-local ones are denied."""
    try:
        read = ip_address(address)
    except ValueError:
        return "no address"
    if isinstance(read, IPv6Address) and read.scope_id is not None:
        return "link-local"
    return None if _within(read, allowed) else _reason(read)


def first_denied(addresses: Iterable[str], allowed: Sequence[Network]) -> str | None:
    """Return the first address that is denied with the reason; one is enough to send nothing."""
    for address in addresses:
        why = why_denied(address, allowed)
        if why is not None:
            return f"{address} is {why}"
    return None


@lru_cache(maxsize=1024)
def _reason(address: Address) -> str | None:
    for network, why in _DENIED:
        if address.version == network.version and address in network:
            return why
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "not global"
    return None if address.is_global else "not global"


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
