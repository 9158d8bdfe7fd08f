"""Which URLs a webhook may have, and which addresses are sent to; faults.md I43."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.networks import DENIED, first_denied, why_denied
from services.notify.domain.targets import Target, read_target
from shared.kernel.errors import Refused

TAKEN = {
    "https://hooks.example.com": Target("hooks.example.com", 443, "/"),
    "https://Hooks.Example.com/a/b?x=1&y=%20": Target("hooks.example.com", 443, "/a/b?x=1&y=%20"),
    "https://hooks.example.com:8443/in": Target("hooks.example.com", 8443, "/in"),
    "https://oa.city.gov.cn:65535/": Target("oa.city.gov.cn", 65535, "/"),
    "https://4.city.gov.cn/": Target("4.city.gov.cn", 443, "/"),
    "https://hooks.example.com?token=1": Target("hooks.example.com", 443, "/?token=1"),
}
REFUSED = [
    "http://hooks.example.com/",
    "HTTPS://hooks.example.com/",
    "file:///etc/passwd",
    "ftp://hooks.example.com/",
    "gopher://hooks.example.com/",
    "//hooks.example.com/",
    "hooks.example.com",
    "",
    "https://",
    "https:///path",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://10.0.0.0x1/",
    "https://1.1.1.1/",
    "https://example.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700::1111]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://a.LocalHost/",
    "https://receiver/",
    "https://hooks.example.com./",
    "https://user@hooks.example.com/",
    "https://user:word@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com/#part",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:1023/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:0443/",
    "https://hooks.example.com:+443/",
    "https://hooks.example.com:/",
    "https://例え.example.com/",
    "https://政务.cn/",
    "https://xn--fsqu00a.xn--fiqs8s/",
    "https://hooks.XN--fiqs8s/",
    "https://hooks。example.com/",
    "https://①②⑦.⓪.⓪.①/",
    "https://hooks.example.com/\r\nhost: x",
    "https://hooks.example.com/ a",
    "https://hooks.example.com/a\x00",
    "https://hooks.example.com/\n",
    " https://hooks.example.com/",
    "https://hooks.example.com/ü",
    "https://%6c%6f%63alhost.example/",
    "https://-a.example.com/",
    "https://a..example.com/",
    "https://a_b.example.com/",
    "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 130 + "com/",
    "https://hooks.example.com/" + "a" * 1_000,
]


@pytest.mark.parametrize("url", TAKEN)
def test_a_name_with_a_port_and_a_path_is_taken(url):
    assert read_target(url) == TAKEN[url]


@pytest.mark.parametrize("url", REFUSED)
def test_every_other_form_is_refused_as_a_url(url):
    with pytest.raises(Refused) as refused:
        read_target(url)
    problem = refused.value.problem
    assert (problem.status, problem.code, problem.pointer) == (422, "url", "/url")


@given(st.ip_addresses(v=4))
def test_no_notation_of_an_ipv4_address_is_taken(address):
    number = int(address)
    parts = address.packed
    low = number & 0xFFFF
    written = [
        str(address), str(number), hex(number), f"0{number:o}",
        ".".join(hex(part) for part in parts), ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}", f"{parts[0]}.{parts[1]}.{low}", f"{parts[0]}.{parts[1]}.{hex(low)}",
        f"[::ffff:{address}]", f"[64:ff9b::{address}]", f"[2002:{parts[0]:02x}{parts[1]:02x}:{low:04x}::]",
    ]  # fmt: skip
    for one in written:
        with pytest.raises(Refused):
            read_target(f"https://{one}/")


def test_the_host_header_has_the_port_only_where_it_is_another():
    assert read_target("https://a.example/").authority == "a.example"
    assert read_target("https://a.example:8443/").authority == "a.example:8443"


HIDDEN = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1", "no address", "",
]  # fmt: skip
OPEN = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "11.0.0.0",
        "223.255.255.255", "2606:4700::1111", "2400:3200::1", "2a00:1450::1", "168.63.129.17"]  # fmt: skip


@pytest.mark.parametrize("address", HIDDEN)
def test_an_address_that_is_not_of_the_open_internet_is_denied(address):
    assert why_denied(address, ()) is not None


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_open_internet_is_sent_to(address):
    assert why_denied(address, ()) is None


@pytest.mark.parametrize(("network", "why"), DENIED)
def test_every_denied_network_is_denied_from_end_to_end(network, why):
    read = ipaddress.ip_network(network)
    for address in (read[0], read[-1]):
        assert why_denied(str(address), ()) == why


@given(st.ip_addresses())
def test_nothing_that_the_library_does_not_call_global_is_sent_to(address):
    if why_denied(str(address), ()) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_an_ipv6_one_is_never_sent_to(address):
    for prefix in ("::ffff:0:0", "64:ff9b::", "::"):
        inner = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
        assert why_denied(str(inner), ()) is not None
    assert why_denied(str(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80))), ()) is not None


def test_an_allowed_network_opens_itself_and_nothing_beside_it():
    allowed = (ipaddress.ip_network("10.1.2.0/24"), ipaddress.ip_network("fd00:1::/32"))
    assert [why_denied(one, allowed) for one in ("10.1.2.9", "fd00:1::9", "1.1.1.1")] == [None, None, None]
    for other in ("10.1.3.1", "127.0.0.1", "::ffff:10.1.2.9", "fd00:2::1", "64:ff9b::a01:209"):
        assert why_denied(other, allowed) is not None


def test_one_denied_address_is_enough():
    assert first_denied(["1.1.1.1", "8.8.8.8"], ()) is None
    assert first_denied(["1.1.1.1", "10.0.0.1", "127.0.0.1"], ()) == "10.0.0.1 is private"
