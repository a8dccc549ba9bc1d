"""Addresses a recording may be fetched from: their form, the allow-list, and which numbers are public (B1, B4, B5)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.clients.web_address import WebAddress, is_public, read_address
from connector.errors import AddressRefused

HOSTS = ("files.example.org", "*.clips.example.net", "alt.example.org:8443")

PUBLIC = ("8.8.8.8", "1.1.1.1", "93.184.215.14", "223.255.255.1", "2606:4700::1111", "2a00:1450:4001:830::200e")
INWARD = {
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254"),
    "shared between carriers": ("100.64.0.1", "100.127.255.254", "100.100.100.200"),
    "link-local and metadata": ("169.254.169.254", "169.254.0.1", "fe80::1", "168.63.129.16", "192.0.0.192"),
    "multicast": ("224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"),
    "nowhere": ("0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "240.0.0.1"),
    "examples and benchmarks": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1", "3fff::1"),
    "special services": ("192.88.99.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"),
}
DISGUISED = {
    "mapped": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    "compatible": ("::127.0.0.1", "::7f00:1", "::8.8.8.8"),
    "NAT64": ("64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1"),
    "6to4": ("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    "Teredo": ("2001:0:7f00:1::1", "2001::1"),
    "ISATAP": ("2606:4700::5efe:a00:1", "2606:4700::200:5efe:7f00:1"),
    "site-local": ("fec0::1",),
    "6bone": ("3ffe::1",),
    "zone id": ("fe80::1%eth0", "2606:4700::1111%1"),
    "spelt otherwise": ("0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.1", "127.0.0.1.", " 8.8.8.8", "8.8.8.8\n", ""),
}


@pytest.mark.parametrize("number", PUBLIC)
def test_b01_a_public_number_may_be_met(number: str) -> None:
    assert is_public(number)


@pytest.mark.parametrize("number", [one for group in INWARD.values() for one in group])
def test_b01_no_number_of_a_private_or_special_network_may_be_met(number: str) -> None:
    assert not is_public(number)


@pytest.mark.parametrize("number", [one for group in DISGUISED.values() for one in group])
def test_b04_no_disguise_makes_a_number_public(number: str) -> None:
    assert not is_public(number)


@given(st.ip_addresses(v=4))
def test_b04_an_ipv4_number_inside_an_ipv6_one_is_never_met(inner: ipaddress.IPv4Address) -> None:
    value = int(inner)
    for prefix in (0xFFFF << 32, 0, 0x64FF9B << 96, 0x2002 << 112 | value << 80, 0x20010000 << 96, 0xFFFF << 48):
        assert not is_public(str(ipaddress.IPv6Address(prefix | value)))


def test_b05_an_https_address_of_a_host_on_the_list_is_taken() -> None:
    for text, expected in {
        "https://files.example.org/a.mp3?sig=1%2F2&x=%C3%BC": ("files.example.org", 443, "/a.mp3?sig=1%2F2&x=%C3%BC"),
        "HTTPS://Files.Example.ORG:443/a b": ("files.example.org", 443, "/a%20b"),
        "  https://a.b.clips.example.net  ": ("a.b.clips.example.net", 443, "/"),
        "https://alt.example.org:8443?x=ü": ("alt.example.org", 8443, "/?x=%C3%BC"),
        "https://ｆｉｌｅｓ.example。org/": ("files.example.org", 443, "/"),
    }.items():
        assert read_address(text, hosts=HOSTS) == WebAddress(*expected)


def test_a_host_with_letters_beyond_ascii_is_compared_as_dns_spells_it() -> None:
    found = read_address("https://Bücher.example.org/x", hosts=("xn--bcher-kva.example.org",))
    assert found.host == "xn--bcher-kva.example.org"


NOT_THESE = {
    "another scheme": (
        *(f"{scheme}://files.example.org/a" for scheme in ("http", "ftp", "file", "gopher", "unix", "ws", "httpss")),
        "file:///etc/passwd",
        "data:audio/mpeg;base64,AAAA",
        "//files.example.org/a",
        "files.example.org/a",
        "https:files.example.org/a",
        "https:/files.example.org/a",
        "javascript:alert(1)",
        "",
        " ",
    ),
    "a user": (
        "https://user@files.example.org/",
        "https://files.example.org@10.0.0.1/",
        "https://a:b@files.example.org/",
    ),
    "a fragment": ("https://files.example.org/#@evil.example", "https://files.example.org#.evil.example/"),
    "a line break": (
        "https://files.example.org/a\r\nHost: evil.example",
        "https://files.example.org/a\nb",
        "https://files.example.org\t/a",
        "\nhttps://files.example.org/",
        "https://files.example.org/\0",
        "https://files.example.org/\x85",
    ),
    "a backslash": ("https://files.example.org\\@evil.example/", "https:\\\\files.example.org/"),
    "another port": (
        "https://files.example.org:80/",
        "https://files.example.org:8443/",
        "https://alt.example.org/",
        "https://files.example.org:/",
        "https://files.example.org:0443/",
        "https://files.example.org:99999/",
        "https://files.example.org:4４3/",
    ),
    "another host": (
        "https://example.org/",
        "https://evilfiles.example.org/",
        "https://files.example.org.evil.example/",
        "https://clips.example.net/",
        "https://.clips.example.net/",
        "https://evilclips.example.net/",
        "https://a.evilclips.example.net/",
        "https://a.clips.example.net.evil.example/",
        "https://localhost/",
        "https://files/",
        "https:///files.example.org/",
    ),
}
NUMBERS = (
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]:443/",
    "https://[fe80::1%25eth0]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://files.example.org./",
    "https://files.example.org../",
    "https://files%2eexample%2eorg/",
    "https://files.example.0x1/",
)
# As if a careless operator had let everything through.
CARELESS = (*HOSTS, "127.0.0.1", "*.0.1", "2130706433", "*.1", "*.0x1", "*.org.", "*.")


@pytest.mark.parametrize("text", [one for group in NOT_THESE.values() for one in group])
def test_b05_whatever_is_no_https_address_of_a_host_on_the_list_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        read_address(text, hosts=HOSTS)
    detail = refusal.value.detail
    assert detail.endswith(".") and "evil" not in detail and "passwd" not in detail


@pytest.mark.parametrize("text", NUMBERS)
def test_b04_a_number_for_a_host_is_refused_in_every_spelling(text: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(text, hosts=CARELESS)


@pytest.mark.parametrize(
    ("group", "word"), [("a user", "user name"), ("a fragment", "#"), ("a line break", "line break")]
)
def test_a_refusal_says_what_to_mend(group: str, word: str) -> None:
    for text in NOT_THESE[group]:
        with pytest.raises(AddressRefused, match=word):
            read_address(text, hosts=HOSTS)


def test_without_a_list_nothing_is_fetched() -> None:
    with pytest.raises(AddressRefused, match="not set up"):
        read_address("https://files.example.org/a.mp3", hosts=())


@given(st.text(max_size=60), st.text(max_size=60))
def test_b05_no_text_becomes_anything_but_an_address_of_a_host_on_the_list(first: str, second: str) -> None:
    for text in (first + second, f"https://{first}", f"https://files.example.org{first}", f"https://{first}@{second}"):
        try:
            found = read_address(text, hosts=HOSTS)
        except AddressRefused:
            continue
        assert (found.host, found.port) in (("files.example.org", 443), ("alt.example.org", 8443)) or (
            found.host.endswith(".clips.example.net") and found.port == 443
        )
        assert found.target.startswith("/") and found.target.isascii() and found.target.isprintable()
        assert " " not in found.target and "#" not in found.target


def test_an_address_does_not_show_its_path_and_query() -> None:
    assert "secret" not in repr(read_address("https://files.example.org/a?sig=secret", hosts=HOSTS))
