"""Which models know a language, which language a chart means, and what a mapping that says nonsense is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.errors import Misconfigured
from connector.transcript.languages import SpeechModels

SHIPPED = SpeechModels.from_dict(load_mapping("speech-models.yaml"))
EVERY = ("universal-2", "universal-3-pro", "universal-3-5-pro")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("es", "es"),
        ("es-MX", "es"),
        ("ES_mx", "es"),
        ("spa", "es"),
        ("Spanish", "es"),
        ("  spanish (Mexico) ", "es"),
        ("Spanish; Castilian", "es"),
        ("español", "es"),
        ("zh-Hans-CN", "zh"),
        ("Mandarin Chinese", "zh"),
        ("Haitian Creole", "ht"),
        ("nb-NO", "no"),
        ("en-US", "en"),
        ("English", "en"),
        ("Navajo", None),
        ("Esperanto", None),
        ("nv", None),
        ("i don't know", None),
        ("123", None),
        ("", None),
        (None, None),
    ],
)
def test_a_language_is_known_by_code_name_and_region(written: str | None, code: str | None) -> None:
    assert SHIPPED.code_of(written) == code


@pytest.mark.parametrize(
    ("language", "able"),
    [
        ("en", ("universal-3-pro", "universal-3-5-pro", "universal-2")),
        ("en_us", ("universal-3-pro", "universal-3-5-pro", "universal-2")),
        ("it", ("universal-3-pro", "universal-3-5-pro", "universal-2")),
        ("pl", ("universal-3-5-pro", "universal-2")),
        ("vi", ("universal-2",)),
        (None, ("universal-3-pro", "universal-3-5-pro", "universal-2")),
    ],
)
def test_only_models_that_know_the_language_are_asked_and_the_one_that_knows_all_last(
    language: str | None, able: tuple[str, ...]
) -> None:
    assert SHIPPED.knowing(EVERY, language) == able


def test_no_model_may_know_a_language_and_an_unnamed_model_is_refused() -> None:
    assert SHIPPED.knowing(("universal-3-pro",), "vi") == ()
    with pytest.raises(Misconfigured, match="'nobody-1'"):
        SHIPPED.knowing(("nobody-1",), "en")


@pytest.mark.parametrize(
    ("language", "has"), [("en_us", True), ("es", True), ("de", True), ("fr", True), ("pt", False)]
)
def test_medical_mode_has_four_languages(language: str, has: bool) -> None:
    assert SHIPPED.has("medical-v1", language) is has
    assert SHIPPED.has("another-v1", language)


def test_every_language_of_a_model_or_domain_can_be_named_by_a_chart() -> None:
    known = [*SHIPPED.models.values(), *(domain.languages for domain in SHIPPED.domains.values())]
    assert {code for one in known for code in one or ()} <= set(SHIPPED.titles)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("models.universal-2", "every", "models.universal-2"),
        ("models.universal-2", [], "models.universal-2"),
        ("models.universal-2", ["eng"], "models.universal-2.0"),
        ("models.universal-2", [False], "models.universal-2.0"),
        ("domains.medical-v1.title", "", "domains.medical-v1.title"),
        ("domains.medical-v1.more", 1, "unknown key 'more'"),
        ("detection.fallback", "xx", "detection.fallback"),
        ("detection.least_percent", 101, "detection.least_percent"),
        ("languages.en", "English", "languages.en"),
        ("languages.de", ["English"], "stands for two languages"),
        ("as_of", "yesterday", "as_of"),
        ("source", None, "source"),
        ("version", 0, "version"),
        ("models", {}, "models"),
    ],
)
def test_a_mapping_that_says_nonsense_is_refused_with_its_key(path: str, value: object, named: str) -> None:
    data: dict[str, Any] = copy.deepcopy(load_mapping("speech-models.yaml"))
    *parents, last = path.split(".")
    place = data
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(Misconfigured, match=named):
        SpeechModels.from_dict(data)
