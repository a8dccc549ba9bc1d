"""Case D6 on the search for a patient: whatever names, numbers and search words hold, the pages keep their shape."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx
import pytest

from tests.browser.payloads import PAYLOADS, wrap
from tests.smart.scribe import OpenScribe
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_picking import bundle, fill, person, search_page

BATCH = 10
BATCHES = [PAYLOADS[start : start + BATCH] for start in range(0, len(PAYLOADS), BATCH)]
PLAIN = "Okafor"
_OWN = {"value", "nonce", "href", "action", "content"}


class Shape(HTMLParser):
    """The elements and comments of a page in their order, with their attributes and those values that never differ."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple((name, None if name in _OWN else value) for name, value in attrs)))
        self.texts += [value or "" for name, value in attrs if name == "value"]

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", ()))

    def unknown_decl(self, data: str) -> None:
        self.elements.append(("declaration", ()))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def shows(self, text: str) -> bool:
        """Whether it stands there to the letter, but for white space."""
        return " ".join(text.split()) in " ".join(" ".join(self.texts).split())


async def open_pages(
    ehr: StrictEhr, open_scribe: OpenScribe, texts: tuple[str, ...]
) -> tuple[httpx.Response, httpx.Response]:
    """What is found for the first text, and the first of the people who are found, looked at."""
    fill(ehr)
    people = [
        person(f"q{number}", "Julio", name=[{"family": text, "given": [text]}])
        | {"identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": text}]}
        for number, text in enumerate(texts)
    ]
    ehr.records["Patient/_search"] = bundle(*people)
    ehr.records |= {f"Patient/{one['id']}": one for one in people}
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        found = await search.post("search", name=texts[0][:100], born="", identifier=texts[0][:100])
        return found, await search.post("look", patient="q0")


@pytest.mark.parametrize("batch", range(len(BATCHES)))
async def test_d06_names_and_numbers_in_the_search_for_a_patient_stay_text(
    ehr: StrictEhr, open_scribe: OpenScribe, batch: int
) -> None:
    texts = BATCHES[batch]
    plain = await open_pages(ehr, open_scribe, tuple(PLAIN for _ in texts))
    hostile = await open_pages(ehr, open_scribe, texts)
    for before, after in zip(plain, hostile, strict=True):
        assert (before.status_code, after.status_code) == (200, 200)
        assert Shape(after.text).elements == Shape(before.text).elements
        assert "script-src" in after.headers["content-security-policy"]
    assert [text for text in texts if not Shape(hostile[0].text).shows(text)] == []
    assert Shape(hostile[1].text).shows(texts[0])


@pytest.mark.parametrize("text", [text for text in PAYLOADS if "<" in text or '"' in text])
def test_d06_a_payload_that_is_not_escaped_changes_the_shape(text: str) -> None:
    """The control, for every one that is markup wherever it stands."""
    assert Shape(wrap(text)).elements != Shape(wrap(text).replace(text, PLAIN)).elements
