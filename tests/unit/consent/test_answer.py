"""Recording the patient's answer, and refusing to go on without a given one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.consent.answer import record_consent, require_consent
from connector.errors import InputRefused, NotAllowed
from connector.records import ConsentAnswer, Stamp

STAMP = Stamp(maker="consent@1", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC), who="Practitioner/7")


@pytest.mark.parametrize("answer", list(ConsentAnswer))
@pytest.mark.parametrize("method", ["verbal", "written"])
def test_an_answer_is_recorded_as_given(answer, method):
    consent = record_consent(str(answer), method, consent_id="c1", wording=" en@1 ", stamp=STAMP)
    assert (consent.consent_id, consent.answer, consent.method) == ("c1", answer, method)
    assert (consent.asked_by, consent.wording, consent.stamp) == ("Practitioner/7", "en@1", STAMP)


@pytest.mark.parametrize(
    ("answer", "method", "wording", "who"),
    [
        ("yes", "verbal", "en@1", "Practitioner/7"),
        ("GIVEN", "verbal", "en@1", "Practitioner/7"),
        ("", "verbal", "en@1", "Practitioner/7"),
        ("given", "assumed", "en@1", "Practitioner/7"),
        ("given", "verbal", "  ", "Practitioner/7"),
        ("given", "verbal", "en@1", None),
        ("given", "verbal", "en@1", " "),
    ],
)
def test_an_incomplete_answer_is_no_consent(answer, method, wording, who):
    with pytest.raises(InputRefused):
        record_consent(answer, method, consent_id="c1", wording=wording, stamp=replace(STAMP, who=who))


def test_only_a_given_consent_lets_a_recording_in():
    def answered(answer: str):
        return record_consent(answer, "verbal", consent_id="c1", wording="en@1", stamp=STAMP)

    require_consent(answered("given"))
    for consent, why in [
        (None, "ask the patient"),
        (answered("declined"), "declined"),
        (answered("withdrawn"), "withdrew"),
    ]:
        with pytest.raises(NotAllowed, match=why):
            require_consent(consent)
