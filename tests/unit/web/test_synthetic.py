"""Every page says "synthetic data only" unless the service runs in PHI mode; no page stands outside of the frame."""

from __future__ import annotations

import re

import pytest
from starlette.requests import Request

from connector.web.pages import Pages
from tests.house.tree import ROOT

FOLDER = ROOT / "templates" / "pages"
WHOLE = sorted(path.name for path in FOLDER.glob("*.html") if not path.name.startswith("_"))
PROBLEM = {"title": "Away", "detail": "The EHR is away.", "support_code": "abc", "slug": "ehr-unavailable"}
SHOWN = {
    "problem.html": {"problem": PROBLEM, "banner": None},
    "locked.html": {"base": "/v/1", "csrf": "x", "place": ""},
    "left.html": {"note_waiting": False},
    "blocked.html": {"launch": {"reference": "r", "ticket": "t"}},
}


def _page(name: str, *, synthetic: bool) -> str:
    pages = Pages("9", synthetic=synthetic)
    return bytes(pages.render(Request({"type": "http"}), name, SHOWN[name]).body).decode()


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_says_so_once_and_in_phi_mode_not_at_all(name: str) -> None:
    told = re.findall(r'<aside class="synthetic" aria-label="[^"]+"><p>(.*?)</p></aside>', _page(name, synthetic=True))
    assert told == ["Synthetic data only: no real patients"]
    assert "ynthetic" not in _page(name, synthetic=False)


def test_who_does_not_say_otherwise_gets_the_words() -> None:
    page = bytes(Pages("9").render(Request({"type": "http"}), "left.html", SHOWN["left.html"]).body).decode()
    assert "Synthetic data only" in page


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "base.html"])
def test_every_page_stands_in_the_one_frame(name: str) -> None:
    source = (FOLDER / name).read_text(encoding="utf-8")
    assert re.search(r'{% extends "(base|of_a_visit)\.html" %}', source)
    assert "<html" not in source
