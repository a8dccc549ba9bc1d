"""Denials in a row become one sentence; nothing is said twice; no turn is lost."""

from connector.drafting.statements import Statement, composed, denial


def test_denials_in_a_row_are_merged_with_their_turns() -> None:
    (merged,) = composed([denial(["fever"], ("t1", "t2")), denial(["cough", "chills"], ("t3", "t4"))])
    assert merged.text == "Denies fever, cough, or chills."
    assert merged.turns == ("t1", "t2", "t3", "t4")


def test_a_denial_of_two_reads_with_or() -> None:
    assert denial(["chest pain", "shortness of breath"], ("t1",)).text == "Denies chest pain or shortness of breath."


def test_denials_apart_stay_apart() -> None:
    statements = [denial(["fever"], ("t1",)), Statement("subjective", "Coughs.", ("t2",)), denial(["pain"], ("t3",))]
    assert [statement.text for statement in composed(statements)] == ["Denies fever.", "Coughs.", "Denies pain."]


def test_many_denials_do_not_make_one_endless_sentence() -> None:
    assert len(composed([denial([f"symptom number {n}"], (f"t{n}",)) for n in range(20)])) > 1


def test_what_is_said_again_stands_once_with_all_its_turns() -> None:
    (only,) = composed([Statement("plan", "Rest.", ("t1",)), Statement("plan", "rest", ("t5",))])
    assert (only.text, only.turns) == ("Rest.", ("t1", "t5"))


def test_the_same_words_in_two_sections_stay() -> None:
    assert len(composed([Statement("plan", "Rest.", ("t1",)), Statement("assessment", "Rest.", ("t1",))])) == 2
