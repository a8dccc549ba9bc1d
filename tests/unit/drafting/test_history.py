"""What the patient tells: complaints, denials, and what is left out."""

import pytest

from connector.drafting.history import denied_in, is_cut_off, quoted, split_items, told_by_patient
from connector.drafting.phrases import pronouns_for

SHE = pronouns_for("female")


@pytest.mark.parametrize(
    ("said", "items"),
    [
        ("No numbness, no weakness, and no fever.", ("numbness", "weakness", "fever")),
        ("No swelling and no trouble breathing.", ("swelling", "trouble breathing")),
        ("I don't have any chest pain.", ("chest pain",)),
        ("I haven't had any fever or any cough", ("fever", "cough")),
        ("I've had no headaches", ("headaches",)),
        ("There's no blood in my stool", ("blood in my stool",)),
    ],
)
def test_a_denial_gives_its_items(said, items) -> None:
    assert denied_in(said) == items


@pytest.mark.parametrize(
    "said",
    [
        "No, just latex.",
        "No just latex.",
        "No problem.",
        "No, I have pain.",
        "No pain but I cough.",
        "No idea.",
        "I have pain.",
        "I've had any number of colds",
        "Not really.",
        "No more than usual, it is fine",
        "",
    ],
)
def test_what_is_not_plainly_denied_is_no_denial(said) -> None:
    assert denied_in(said) == ()


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("I have a headache.", "Reports a headache."),
        ("I feel dizzy in the morning.", "Reports feeling dizzy in the morning."),
        ("I get a tightness in my chest when I climb.", "Reports a tightness in her chest when she climbs."),
        ("The tingling is gone.", "The tingling is gone."),
        ("So, I take it for my knee.", "Takes it for her knee."),
        ("I was sick and you saw my knee swell", "Was sick and the clinician saw her knee swell."),
        ("It hurts me when you press there.", 'States: "It hurts me when you press there."'),
    ],
)
def test_what_bears_on_care_is_told(said, noted) -> None:
    assert told_by_patient(said, SHE) == noted


@pytest.mark.parametrize(
    "said",
    [
        "Nice to see you.",
        "How bad is it?",
        "What about my knee?",
        "I went to the game.",
        "And my knee is the",
        "",
        "Your knee is swollen.",
    ],
)
def test_the_rest_is_left_out(said) -> None:
    assert told_by_patient(said, SHE) is None


def test_in_the_context_of_care_a_plain_sentence_is_told_too() -> None:
    assert told_by_patient("It started after I moved boxes.", SHE) is None
    assert told_by_patient("It started after I moved boxes.", SHE, context=True) == "It started after she moved boxes."
    assert told_by_patient("That sounds good to me.", SHE, context=True) is None


def test_a_list_is_split_and_anything_else_stays_whole() -> None:
    assert split_items("fever, chills, or cough") == ("fever", "chills", "cough")
    long = "pain that comes and goes whenever I climb the stairs at work"
    assert split_items(long) == (long,)


def test_quoting_keeps_the_words_and_refuses_speeches() -> None:
    assert quoted('he said "rest"') == "States: \"He said 'rest'.\""
    assert quoted("x" * 400) is None


def test_a_sentence_that_breaks_off_is_known() -> None:
    assert is_cut_off("it comes from the")
    assert not is_cut_off("it is usually lower than that.")
