"""The sandbox AssemblyAI: the vendor's REST and LLM Gateway protocols on loopback, playing back bundled scripts.

Recognises other speech badly, and says so. Never calls the vendor; production code knows nothing of it but a base URL.
"""
