"""Question and answer together make one statement, and never more than was said."""

import pytest

from connector.drafting.phrases import pronouns_for
from connector.drafting.replies import Reply, is_fragment, read_reply

SHE = pronouns_for("female")


@pytest.mark.parametrize(
    "answer", ["No.", "Nope, nothing like that.", "No, not that I've noticed.", "Not really.", "I don't think so."]
)
def test_no_denies_what_was_asked(answer) -> None:
    assert read_reply("Any chest pain or cough?", answer, SHE) == Reply("", ("chest pain", "cough"))


@pytest.mark.parametrize("answer", ["Yes.", "Yeah, yeah.", "Yes, I do.", "Mm-hmm."])
def test_yes_affirms_what_was_asked(answer) -> None:
    assert read_reply("Any chest pain?", answer, SHE) == Reply("Reports chest pain.")


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("Any fever?", "Yes, every evening.", "Reports fever: every evening."),
        ("Are you taking your lisinopril?", "Yes.", "Is taking the lisinopril."),
        ("Are you taking your lisinopril?", "No.", "Is not taking the lisinopril."),
        ("Do you smoke?", "No, never.", "Does not smoke."),
        ("How long does the pain last?", "About two minutes.", "Duration: about two minutes."),
        ("How long have you had the cough?", "Two weeks.", "Duration: two weeks."),
        ("Where does it hurt?", "My left side.", "Location: her left side."),
        ("How bad is the pain?", "7/10.", "Severity: 7/10."),
        (
            "What do you take for your blood pressure?",
            "Lisinopril 20 mg.",
            "Takes for blood pressure: lisinopril 20 mg.",
        ),
        ("What are you taking for it?", "Two Tylenol.", "Takes two Tylenol."),
        ("Which heart medicines do you take?", "Aspirin and clopidogrel.", "Heart medicines: aspirin and clopidogrel."),
        ("And your regular medicines?", "Metoprolol.", "Regular medicines: metoprolol."),
        (
            "Have you used the nitroglycerin spray?",
            "Once, last week.",
            "Has used the nitroglycerin spray: once, last week.",
        ),
        ("Who do you live with?", "My wife.", "Lives with: her wife."),
        ("When was your last colonoscopy?", "Five years ago.", "Last colonoscopy: five years ago."),
        ("Any fever?", "Yes, but not at night.", 'Asked "Any fever?", answers "Yes, but not at night".'),
        (
            "Have you noticed blood in your stools?",
            "Not really any, just mucus.",
            'Asked about blood in the stools, answers "Not really any, just mucus".',
        ),
    ],
)
def test_an_answer_stands_with_its_question(question, answer, text) -> None:
    assert read_reply(question, answer, SHE) == Reply(text)


def test_what_follows_a_no_is_kept_to_be_told() -> None:
    reply = read_reply("Any chest pain?", "No, but I get short of breath on the stairs.", SHE)
    assert reply == Reply("", ("chest pain",), "but I get short of breath on the stairs")


@pytest.mark.parametrize(
    "answer", ["No, just latex.", "No just penicillin.", "No, only in the morning.", "No, except for a rash."]
)
def test_a_no_with_an_exception_denies_nothing(answer) -> None:
    reply = read_reply("Any allergies to medication?", answer, SHE)
    assert reply is not None
    assert reply.denied == ()
    assert reply.text == f'Asked about allergies to medication, answers "{answer.rstrip(".")}".'


def test_a_choice_answered_yes_is_quoted_not_settled() -> None:
    reply = read_reply("Does the pain get worse with eating or with exercise?", "Yes.", SHE)
    assert reply == Reply('Asked "Does the pain get worse with eating or with exercise?", answers yes.')


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Any chest pain?", "What do you mean?"),
        ("Any chest pain?", "My knee hurts."),
        ("Any chest pain?", "No swelling and no pain."),
        ("Any questions?", "No."),
        ("How can I help you today?", "Back pain."),
        ("Did you see the game?", "Yes."),
        ("", "Yes."),
        ("Any chest pain?", ""),
        ("Why do you take aspirin?", "Yes."),
    ],
)
def test_an_answer_that_speaks_for_itself_or_says_nothing_is_left(question, answer) -> None:
    assert read_reply(question, answer, SHE) is None


def test_yes_is_read_in_the_first_sentence_only() -> None:
    assert read_reply("Any chest pain?", "Yes.", SHE, first=False) is None


@pytest.mark.parametrize(
    "text", ["about two weeks", "the left one", "Lisinopril, 10 mg", "my lower back", "once, last week"]
)
def test_words_without_a_verb_are_a_fragment(text) -> None:
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text", ["I fell", "it hurts", "Urgent care gave me a pill", "My daughter fills the box", "okay thanks", ""]
)
def test_sentences_and_courtesies_are_no_fragment(text) -> None:
    assert not is_fragment(text)
