"""Write profiles: the shipped one loads, a slip is refused by its name, and the README names every key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.errors import Misconfigured
from connector.writeback.profile import WriteProfile

README = Path(__file__).parents[3] / "mappings" / "ehr" / "README.md"


def test_the_generic_profile(profile: WriteProfile) -> None:
    assert profile.name == "generic"
    assert profile.formats == ("text/plain", "application/xhtml+xml")
    assert profile.composition and profile.provenance and profile.conditional_create


@pytest.mark.parametrize(
    ("slip", "named"),
    [
        ({"composite": True}, "composite is not a known key"),
        ({"name": ""}, "name has to be a text"),
        ({"version": 0}, "version has to be"),
        ({"version": True}, "version has to be"),
        ({"composition": "yes"}, "composition has to be true or false"),
        ({"formats": []}, "formats has to begin with text/plain"),
        ({"formats": ["application/xhtml+xml", "text/plain"]}, "formats has to begin with text/plain"),
        ({"formats": ["text/plain", "application/pdf"]}, "formats has to be a list"),
        ({"formats": ["text/plain", "text/plain"]}, "formats has to be a list"),
        ({"formats": "text/plain"}, "formats has to be a list"),
        ({"doc_status": ["preliminary"]}, "doc_status has to allow final"),
        ({"doc_status": ["signed"]}, "doc_status has to be a list"),
    ],
)
def test_a_slip_is_refused_by_its_name(raw_profile: dict[str, Any], slip: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        WriteProfile.from_dict({**raw_profile, **slip})
    assert named in refused.value.detail


def test_every_key_is_needed_and_described(raw_profile: dict[str, Any]) -> None:
    described = README.read_text(encoding="utf-8")
    for key in raw_profile:
        assert f"| `{key}` |" in described
        with pytest.raises(Misconfigured, match=f"{key} is missing"):
            WriteProfile.from_dict({name: value for name, value in raw_profile.items() if name != key})


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has to be a table"):
        WriteProfile.from_dict(["generic"])  # type: ignore[arg-type]
