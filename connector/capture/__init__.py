"""Stage: bytes to Recording. Checks chunks and probes sound; never keeps plain audio on disk."""
