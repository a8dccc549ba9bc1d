"""The sandbox parts: a sandbox EHR, a sandbox AssemblyAI and the demo that drives a visit over HTTP. Never used in production."""
