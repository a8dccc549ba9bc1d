"""How recordings are transcribed, out of settings and mappings; what cannot be is refused at start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connector.app import load_rules, make_policy
from connector.clients.speech_request import SpeechOptions, check_options
from connector.errors import Misconfigured
from connector.settings import Settings
from connector.visit.asking import Present, plan_asking

RULES = load_rules()


def options(**settings: object) -> SpeechOptions:
    return plan_asking(make_policy(Settings(**settings)), RULES, Present()).options  # type: ignore[arg-type]


def test_keyterms_go_unless_a_prompt_is_preferred_and_there_is_one() -> None:
    assert options().sends_keyterms and options(speech_prompt="A visit.").sends_keyterms
    assert not options(speech_prompt="A visit.", speech_prefers="prompt").sends_keyterms


def test_one_model_of_several_that_takes_one_of_both_makes_the_request_take_one() -> None:
    assert options(speech_models=("universal-3-5-pro", "universal-2")).exclusive
    assert options(speech_models=("universal-3-pro",)).exclusive
    together = options(speech_models=("universal-3-5-pro",), speech_prompt="A visit.", speech_prefers="prompt")
    assert not together.exclusive and together.sends_keyterms


def test_a_model_that_is_not_asked_limits_nothing() -> None:
    models = ("universal-3-pro", "universal-3-5-pro")
    assert options(speech_models=models, speech_language="en").exclusive
    polish = options(speech_models=models, speech_language="pl")
    assert (polish.speech_models, polish.exclusive) == (("universal-3-5-pro",), False)


@pytest.mark.parametrize(
    "settings",
    [
        {"speech_prefers": "prompt"},
        {"speech_prompt": " "},
        {"speech_models": ("nobody-1",)},
        {"speech_models": ()},
        {"speech_models": ("universal-3-pro",), "speech_language": "vi"},
        {"speech_roles": ("Arzt", "Mensch")},
        {"speech_channels": ("Patient", "Nurse")},
        {"speech_channels": ("Patient",)},
        {"redaction_policies": ("person_names",)},
    ],
)
def test_a_start_with_what_cannot_be_sent_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        check_options(options(**settings))


def test_a_preference_for_anything_else_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(speech_prefers="both")  # type: ignore[arg-type]


def test_a_misspelt_policy_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(Misconfigured, match=r"'person_names'.*person_name"):
        check_options(options(redaction_policies=("drug", "person_names")))
