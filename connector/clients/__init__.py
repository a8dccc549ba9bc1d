"""The only rooms that talk to the outside: EHR, AssemblyAI, model gateway. Errors are translated, never swallowed."""
