"""The sandbox parts: an EHR, an AssemblyAI and the demo that drives a visit over HTTP. Never used in production."""
