"""One synthetic visit, as records, for tests of what the pages show. In: what a test wants changed. Out: VisitFacts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from connector.consent.mapping import Jurisdiction, Wording
from connector.records import (
    Allergy,
    Consent,
    ConsentAnswer,
    DraftNote,
    EncounterSummary,
    Erasure,
    Filing,
    Finding,
    Findings,
    Keyterm,
    Launch,
    Measurement,
    Medication,
    NoteSection,
    PatientContext,
    PersonSummary,
    Problem,
    Recording,
    Section,
    SectionState,
    Sentence,
    SignedNote,
    Source,
    SpeechHints,
    Stamp,
    Transcript,
    Turn,
    VendorCopy,
    Word,
)
from connector.store.visits import VisitRow
from connector.visit.note import ShownNote
from connector.web.visit_facts import VisitFacts

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LISINOPRIL = Source("MedicationRequest/11", "1")
ASKING = Jurisdiction(
    "all-party", "Everybody present", "all-party", Wording("en-1", "May I record?"), ("verbal", "written")
)
TEXT = "Progress note\n\nSubjective\nBack pain for two weeks.\n"


def ago(seconds: float) -> datetime:
    """A moment before NOW."""
    return NOW - timedelta(seconds=seconds)


def stamp(seconds: float = 0, maker: str = "test@1") -> Stamp:
    """A stamp of a moment before NOW."""
    return Stamp(maker=maker, at=ago(seconds))


def context() -> PatientContext:
    """A chart in which every kind of section stands once."""
    person = PersonSummary(
        Source("Patient/1"), "Billie Waters", "Waters", ("Billie",), date(1992, 11, 22), "female", "MR-7"
    )
    encounter = EncounterSummary(Source("Encounter/5"), "in-progress", "AMB", "Follow-up visit", None, ago(900))
    return PatientContext(
        patient=Section(SectionState.OK, (person,)),
        encounter=Section(SectionState.OK, (encounter,)),
        medications=Section(
            SectionState.OK,
            (
                Medication(LISINOPRIL, "lisinopril 10 MG Oral Tablet", "active", dosage="one a day"),
                Medication(
                    Source("MedicationRequest/12"), "Acetaminophen 325 MG Oral Tablet", "active", as_needed=True
                ),
            ),
            dropped=3,
        ),
        allergies=Section(SectionState.OK, (Allergy(Source("AllergyIntolerance/3"), "Fish", ("hives",), "high"),)),
        problems=Section(SectionState.OK, (Problem(Source("Condition/9"), "Essential hypertension", "active"),)),
        vitals=Section(
            SectionState.OK, (Measurement(Source("Observation/4"), "Blood pressure", "128/82 mmHg", ago(86400)),)
        ),
        labs=Section(SectionState.EMPTY),
        stamp=stamp(596),
    )


def hints() -> SpeechHints:
    """Three terms, one of them of the chart."""
    terms = (
        Keyterm("lisinopril", "drug", (LISINOPRIL,)),
        Keyterm("Waters", "person"),
        Keyterm("systolic", "vocabulary"),
    )
    return SpeechHints(terms, 100, 2, stamp(595))


def consent(answer: ConsentAnswer = ConsentAnswer.GIVEN) -> Consent:
    """The patient's answer, asked by the clinician of the launch."""
    return Consent("consent-1", answer, "verbal", "Practitioner/8", "en-1", stamp(500))


def recording() -> Recording:
    """A sealed recording of 91 seconds."""
    return Recording("recording-1", "ogg", 253_522, "0" * 64, 1, 91_000, stamp(300))


def transcript(origin: str = "recogniser") -> Transcript:
    """Two turns, one doubtful word, one speaker whose role is a guess."""
    words = (Word("Take", 6900, 7100, 0.95), Word("lisinopril", 7100, 7600, 0.55), Word("twenty.", 7600, 8000, 0.9))
    turns = (
        Turn("t1", "A", "Patient", "vendor", "My back has been aching for two weeks.", 2866, 6800, 0.94),
        Turn("t2", "B", "Speaker B", "guess", "Take lisinopril twenty.", 6900, 8000, 0.8, words),
    )
    return Transcript("transcript-1", origin, "en", 91_000, turns, (), stamp(200))


def draft() -> DraftNote:
    """One sentence for each way a sentence can be founded."""
    sentences = (
        Sentence("s1", "Back pain for two weeks.", ("t1",)),
        Sentence("s2", "Takes lisinopril 20 mg.", ("t2", "t9"), (LISINOPRIL,)),
        Sentence("s3", "No fever."),
        Sentence("s4", "Reassured.", origin="clinician"),
        Sentence("s5", "Pain is moderate.", ("t1",), origin="edited"),
    )
    sections = (
        NoteSection("subjective", "Subjective", "61150-9", sentences),
        NoteSection("objective", "Objective", "61149-1", ()),
    )
    return DraftNote("draft-1", 1, "soap", "Progress note", sections, "model", stamp(150))


def shown() -> ShownNote:
    """The draft with three findings."""
    items = (
        Finding("chart-unread", "Laboratory could not be read."),
        Finding("dose-differs", "The note says lisinopril 20 mg; the chart lists 10 MG.", "s2"),
        Finding("no-evidence", "Nothing supports this sentence.", "s3"),
    )
    return ShownNote(draft(), Findings(1, items, stamp(150)), TEXT, "f" * 64)


def signed() -> SignedNote:
    """The note as signed a minute ago."""
    made = draft()
    return SignedNote(
        note_id="visit-1",
        version=1,
        revision=1,
        note_type="soap",
        title=made.title,
        sections=made.sections,
        text=TEXT,
        sha256="f" * 64,
        signer="Practitioner/8",
        signer_name="Dr. Ada Lin",
        attestation="I have read this note.",
        signed_at=ago(60),
        stamp=stamp(60),
    )


def filing(read_back: str = "identical") -> Filing:
    """Where the note stands in the EHR."""
    return Filing("DocumentReference/55", "Composition/56", "Provenance/p", "f" * 64, read_back, stamp(50))


def copy(kind: str, state: str, made: float = 280) -> VendorCopy:
    """One copy at the vendor's."""
    at = ago(made)
    asked = ago(100) if state != "held" else None
    answered = ago(90) if state in ("answered", "verified") else None
    gone = ago(80) if state == "verified" else None
    return VendorCopy(f"{kind}-1", kind, "vendor-id", state, at, asked, answered, gone)


def erasure(*copies: VendorCopy, complete: bool = False) -> Erasure:
    """What the deletion ledger says."""
    return Erasure(tuple(copies), complete, stamp())


def facts(state: str, **given: object) -> VisitFacts:
    """A visit in `state` with what such a visit holds; fields of the row and of the facts may be given by name."""
    if "consent" in given:
        one = given.pop("consent")
        given["consents"] = (one,) if one is not None else ()
    row = VisitRow("visit-1", "sandbox", state, 0, None, None, None, None, None, None, ago(600), ago(10))
    launch = Launch(
        launch_id="launch-1",
        visit_id="visit-1",
        tenant="sandbox",
        fhir_base="http://ehr.test/fhir",
        patient="Patient/1",
        encounter="Encounter/5",
        practitioner="Practitioner/8",
        practitioner_name="Dr. Ada Lin",
        need_patient_banner=True,
        granted_scope="",
        stamp=stamp(600),
    )
    made = VisitFacts(
        launch_id="launch-1",
        csrf="token",
        now=NOW,
        row=replace(row, **{name: value for name, value in given.items() if name in VisitRow.__dataclass_fields__}),
        launch=launch,
        asking=ASKING,
        attestation="I have read this note.",
        **_held(state),
    )
    return replace(made, **{name: value for name, value in given.items() if name not in VisitRow.__dataclass_fields__})


def _held(state: str) -> dict[str, object]:
    stages = ("LAUNCHED", "PRIMED", "CAPTURING", "CAPTURED", "TRANSCRIBED", "DRAFTED", "SIGNED", "FILED")
    rank = stages.index(state) if state in stages else 0
    held: dict[str, object] = {}
    if rank >= 1:
        held |= {"context": context(), "hints": hints()}
    if rank >= 2:
        held |= {"consents": (consent(),)}
    if rank >= 3:
        held |= {"recording": recording(), "erasure": erasure(copy("upload", "held"), copy("transcript", "held", 270))}
    if rank >= 4:
        held |= {"transcript": transcript()}
    if rank >= 5:
        held |= {"note": shown()}
    if rank >= 6:
        held |= {"signed": signed()}
    if rank >= 7:
        gone = (copy("upload", "verified"), copy("transcript", "verified", 270), copy("completion", "answered", 160))
        held |= {"filing": filing(), "erasure": erasure(*gone, complete=True)}
    return held
