"""Transcript and note: what a sentence rests on, what has to be checked, which words were doubtful."""

from dataclasses import replace

from connector.records import Finding, Mark, Turn, Word
from connector.web.chart_view import name_sources
from connector.web.note_view import NoteView, SentenceView, build_note, build_transcript
from tests.unit.web.samples import context, shown, transcript


def note() -> NoteView:
    """The sample draft against the sample transcript."""
    built = build_note(shown(), transcript=transcript(), chart=name_sources(context()))
    assert built is not None
    return built


def sentence(identity: str) -> SentenceView:
    """One sentence of the sample draft."""
    return next(one for section in note().sections for one in section.sentences if one.sentence_id == identity)


def test_a_sentence_that_was_said_names_its_turns() -> None:
    assert [proof.label for proof in sentence("s1").said] == ["Patient 0:02"]
    assert sentence("s1").turn_ids == ("t1",)
    assert not sentence("s1").unsupported


def test_a_sentence_of_the_chart_names_the_entry_and_where_it_stands() -> None:
    charted = sentence("s2").charted
    assert [(proof.label, proof.reference) for proof in charted] == [
        ("Medication: lisinopril 10 MG Oral Tablet", "MedicationRequest/11")
    ]


def test_a_turn_the_transcript_does_not_have_is_no_evidence() -> None:
    assert sentence("s2").turn_ids == ("t2",)
    lost = build_note(shown(), transcript=replace(transcript(), turns=()), chart={})
    assert lost is not None
    assert lost.sections[0].sentences[0].unsupported


def test_a_chart_entry_that_is_gone_is_still_shown_as_chart_evidence() -> None:
    built = build_note(shown(), transcript=transcript(), chart={})
    assert built is not None
    assert built.sections[0].sentences[1].charted[0].label == "Chart entry"


def test_a_sentence_without_evidence_is_marked_and_the_mark_is_not_said_twice() -> None:
    assert sentence("s3").unsupported
    assert sentence("s3").findings == ()


def test_the_clinicians_own_sentence_needs_no_evidence_and_says_whose_it_is() -> None:
    assert not sentence("s4").unsupported
    assert sentence("s4").written_by == "Written by you"
    assert sentence("s5").written_by == "Edited by you"
    assert sentence("s1").written_by is None


def test_marks_stand_where_something_was_not_captured() -> None:
    said = transcript()
    ends = said.turns[-1].end_ms
    marks = (Mark("gap", 0, 12_000), Mark("off-record", said.turns[1].start_ms + 100, 0), Mark("paused", ends, 190_000))
    built = build_transcript(replace(said, marks=marks))
    assert built is not None
    assert built.turns[0].before == ("12 s missing here: nothing was recorded",)
    assert built.turns[1].before == ("Off the record: not recorded, on purpose",)
    assert built.after == ("Paused for 3 min 10 s",)


def test_a_finding_stands_beside_its_sentence_and_in_the_list_of_checks() -> None:
    assert [(finding.label, finding.grave) for finding in sentence("s2").findings] == [("Dose differs", True)]
    checks = [(check.label, check.places) for check in note().checks]
    assert checks == [
        ("Dose differs", (("s2", "Subjective"),)),
        ("Chart not read", ()),
        ("No evidence", (("s3", "Subjective"),)),
    ]
    assert note().checks[2].text == "“No fever.”"


def test_the_same_finding_in_two_sentences_is_one_check_with_two_places() -> None:
    given = shown()
    again = Finding("dose-differs", given.findings.items[1].text, "s5")
    built = build_note(
        replace(given, findings=replace(given.findings, items=(*given.findings.items, again))),
        transcript=transcript(),
        chart={},
    )
    assert built is not None
    assert built.checks[0].places == (("s2", "Subjective"), ("s5", "Subjective"))


def test_a_kind_of_finding_that_is_new_is_shown_all_the_same() -> None:
    given = shown()
    built = build_note(
        replace(given, findings=replace(given.findings, items=(Finding("brand-new", "Look here.", "s1"),))),
        transcript=transcript(),
        chart={},
    )
    assert built is not None
    assert (built.checks[0].label, built.checks[0].text) == ("Check this", "Look here.")


def test_doubtful_words_are_marked_and_no_letter_is_lost() -> None:
    view = build_transcript(transcript())
    assert view is not None and view.unsure == 1
    pieces = view.turns[1].pieces
    assert [(piece.text, piece.unsure) for piece in pieces] == [
        ("Take ", False),
        ("lisinopril", True),
        (" twenty.", False),
    ]


def test_words_that_do_not_fit_the_turns_text_change_nothing_of_it() -> None:
    words = (Word("metoprolol", 0, 1, 0.1), Word("Take", 0, 1, 0.1), Word("twenty.", 0, 1, 0.1))
    turn = replace(transcript().turns[1], words=words)
    view = build_transcript(replace(transcript(), turns=(turn,)))
    assert view is not None
    assert "".join(piece.text for piece in view.turns[0].pieces) == turn.text
    assert [piece.text for piece in view.turns[0].pieces if piece.unsure] == ["Take", "twenty."]


def test_a_confidence_of_exactly_the_threshold_is_not_doubted() -> None:
    turn = replace(transcript().turns[1], words=(Word("Take", 0, 1, 0.6),))
    view = build_transcript(replace(transcript(), turns=(turn,)))
    assert view is not None and view.unsure == 0


def test_it_is_said_how_each_speakers_role_was_decided() -> None:
    view = build_transcript(transcript())
    assert view is not None
    assert [(speaker.role, speaker.doubtful) for speaker in view.speakers] == [("Patient", False), ("Speaker B", True)]
    assert "check who spoke" in view.speakers[1].decided


def test_two_speakers_never_share_a_colour_by_role_name() -> None:
    turns = tuple(Turn(f"t{n}", label, "Patient", "vendor", "Yes.", n, n + 1, 1.0) for n, label in enumerate("ABAB"))
    view = build_transcript(replace(transcript(), turns=turns))
    assert view is not None
    assert [turn.side for turn in view.turns] == ["a", "b", "a", "b"]


def test_playback_is_labelled_and_recognised_speech_is_not() -> None:
    played, heard = build_transcript(transcript("playback")), build_transcript(transcript())
    assert played is not None and heard is not None
    assert played.label == "Sandbox playback: a bundled script, not speech recognition"
    assert heard.label is None


def test_what_the_sandbox_recognised_is_labelled_once() -> None:
    warning = "Sandbox recogniser (PocketSphinx), low accuracy: many words are wrong"
    heard = build_transcript(replace(transcript("sandbox-recogniser"), warnings=(warning,)))
    assert heard is not None
    assert heard.label == "SANDBOX RECOGNISER, low accuracy: many words are wrong"
    assert heard.warnings == ()


def test_the_sandbox_playbacks_own_warning_is_not_said_twice() -> None:
    warnings = ("Sandbox playback of a bundled script, not speech recognition.", "Two minutes are missing.")
    played = build_transcript(replace(transcript("playback"), warnings=warnings))
    assert played is not None
    assert played.warnings == ("Two minutes are missing.",)


def test_a_draft_no_model_wrote_is_labelled() -> None:
    given = shown()
    sandbox = replace(given, draft=replace(given.draft, origin="sandbox"))
    built = build_note(sandbox, transcript=transcript(), chart={})
    assert built is not None
    assert built.label == "Sandbox draft: written by an offline stand-in, not by a language model"
    assert note().label is None


def test_typed_notes_have_no_times_no_doubt_and_no_speakers() -> None:
    view = build_transcript(transcript("typed"))
    assert view is not None
    assert view.turns[0].at is None and view.turns[0].start is None
    assert view.speakers == () and view.unsure == 0 and view.length is None
    built = build_note(shown(), transcript=transcript("typed"), chart={})
    assert built is not None
    assert built.sections[0].sentences[0].said[0].label == "Line 1"


def test_nothing_to_show_is_none() -> None:
    assert build_transcript(None) is None
    assert build_note(None, transcript=transcript(), chart={}) is None
