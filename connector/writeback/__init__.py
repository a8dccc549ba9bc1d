"""Stage: SignedNote to Filing. Builds what is sent and compares what came back; never sends anything itself."""
