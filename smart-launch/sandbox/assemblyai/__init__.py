"""The sandbox AssemblyAI: the vendor's REST and LLM Gateway protocols on loopback, playing back bundled scripts.

Never recognises speech and never calls the vendor; production code knows nothing of it but a base URL.
"""
