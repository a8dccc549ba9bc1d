"""Stage: DraftNote to SignedNote. Edits, findings, renditions and the signature; never signs what was not shown."""
