"""The EHR's launch request. In: the query of our launch URL. Out: a LaunchRequest to look the registration up with.

It never trusts what it reads: `iss` only selects a registration and `launch` is opaque, echoed and never looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connector.errors import LaunchRefused

LONGEST_ISS = 2048
LONGEST_LAUNCH = 8192


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """`iss` as it was sent; `launch` is the EHR's opaque handle for the context of this launch."""

    iss: str
    launch: str = field(repr=False)


def read_launch_request(params: Iterable[tuple[str, str]]) -> LaunchRequest:
    """Read `iss` and `launch` (SMART App Launch 2.2, EHR launch) from name and value pairs of the query.

    Other parameters are ignored. Raises LaunchRefused when either is missing, empty, sent twice or out of all measure.
    """
    pairs = list(params)
    return LaunchRequest(
        iss=_read_one(pairs, "iss", longest=LONGEST_ISS), launch=_read_one(pairs, "launch", longest=LONGEST_LAUNCH)
    )


def _read_one(pairs: list[tuple[str, str]], name: str, *, longest: int) -> str:
    values = [value for key, value in pairs if key == name]
    if len(values) != 1 or not values[0]:
        raise LaunchRefused(f"A launch needs exactly one '{name}' parameter. Open the scribe from the EHR's chart.")
    if len(values[0]) > longest or not values[0].isprintable():
        raise LaunchRefused(f"The '{name}' parameter of this launch is not readable.")
    return values[0]
