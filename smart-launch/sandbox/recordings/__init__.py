"""The bundled visits: scripts written by us, their sound as flite speaks them, and when each word is spoken."""

from connector_sandbox.recordings.library import BundledRecording, Turn, Word, load_recording, load_recordings

__all__ = ["BundledRecording", "Turn", "Word", "load_recording", "load_recordings"]
