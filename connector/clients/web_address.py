"""Addresses a recording may be fetched from. In: what a person pasted, an allow-list; numbers a name stands for.

Out: host, port and target, or a refusal that does not repeat the address, which may hold a key. Never asks anybody.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import idna

from connector.errors import AddressRefused

LONGEST_ADDRESS = 4096

_FORM = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?://)?(?P<authority>[^/?]*)(?P<target>.*)")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
# A host whose last label is one of these is read as an IPv4 address by many, in octal, hexadecimal or as one number.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Printable ASCII that may stand in a path or query as it is; what is escaped already stays so (RFC 3986, section 2).
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"

# What is_global leaves open, and hosts of cloud machines that answer to public numbers.
_REFUSED = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "3ffe::/16",
    )
)
# The one block of IPv6 that public hosts have numbers of (RFC 4291, section 2.4). Outside of it lie mapped, compatible,
# NAT64, site-local, unique local, link-local, multicast and loopback addresses.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# An interface id that holds an IPv4 address (ISATAP, RFC 5214, section 6.1), with or without the "global" bit.
_ISATAP = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where one recording lies: `host` in ASCII and lower case, `target` its path and query as they are asked for."""

    host: str
    port: int
    target: str = field(repr=False)

    @property
    def authority(self) -> str:
        """What stands in the Host header (RFC 9110, section 7.2)."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"


def read_address(text: str, *, hosts: Sequence[str]) -> WebAddress:
    """The address a person gave, if it is https to one of `hosts`: names, `*.` and a name, each with or without port.

    Raises AddressRefused with what to mend; its sentence holds nothing of the address.
    """
    if not hosts:
        raise AddressRefused("Fetching by address is not set up for this EHR: choose the file instead.")
    text = text.strip(" ")
    if not text or len(text) > LONGEST_ADDRESS:
        raise AddressRefused(f"Give one address of at most {LONGEST_ADDRESS} characters.")
    if "\\" in text or any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 for one in text):
        raise AddressRefused("The address holds characters no address has, such as a line break: copy it again.")
    parts = _FORM.fullmatch(text)
    if parts is None or parts["scheme"].lower() != "https" or not text[len(parts["scheme"]) :].startswith("://"):
        raise AddressRefused("The address has to begin with https://.")
    if "#" in text:
        raise AddressRefused("Leave out what stands after the # of the address.")
    host, port = _read_authority(parts["authority"])
    if not any(_fits(host, port, one) for one in hosts):
        raise AddressRefused(
            "Recordings may not be fetched from this host: choose the file instead, or ask whoever runs the scribe to "
            "add the host to audio_hosts."
        )
    target = quote(parts["target"] or "/", safe=_KEPT)
    return WebAddress(host, port, target if target.startswith("/") else f"/{target}")


def _read_authority(authority: str) -> tuple[str, int]:
    if "@" in authority:
        raise AddressRefused("The address may hold no user name and no password before an @.")
    name, colon, number = authority.partition(":")
    if "[" in authority or not name:
        raise AddressRefused("The address needs the name of a host, not its number.")
    if colon and (not _PORT.fullmatch(number) or int(number) > 65535):
        raise AddressRefused("The number after the : of the host is no port: leave it out.")
    return _read_host(name), int(number) if colon else 443


def _read_host(name: str) -> str:
    """The host as DNS and TLS spell it (UTS 46, STD 3), which is compared with the allow-list."""
    try:
        host = idna.encode(name, uts46=True, std3_rules=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise AddressRefused("The name of the host cannot be read: copy the address again.") from None
    labels = host.split(".")
    if len(labels) < 2 or "" in labels:
        raise AddressRefused(
            "The address needs the full name of a host, such as files.example.org, without a final dot."
        )
    if _NUMBER.fullmatch(labels[-1]):
        raise AddressRefused("The address needs the name of a host, not its number.")
    return host


def _fits(host: str, port: int, allowed: str) -> bool:
    """Whether one entry of an allow-list lets a host through; without a port it means 443."""
    name, _, number = allowed.partition(":")
    if port != (int(number) if number else 443):
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and len(host) > len(name) - 1
    return host == name


def is_public(text: str) -> bool:
    """Whether an IP address, as text, is public unicast: nothing private, special or embedded in another form."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None or found not in _GLOBAL_UNICAST:
            return False
        if (int(found) >> 32) & 0xFFFFFFFF in _ISATAP:
            return False
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    return not any(found.version == one.version and found in one for one in _REFUSED)
