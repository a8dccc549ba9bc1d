"""Stage: Transcript and PatientContext to DraftNote. Calls a model through a callable; never invents a statement."""
