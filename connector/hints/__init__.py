"""Stage: PatientContext to SpeechHints. Pure; never sends a term that has no source or vocabulary behind it."""
