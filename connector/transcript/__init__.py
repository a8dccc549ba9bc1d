"""Stage: the recogniser's answer, or typed text, to Transcript. Pure; never fills a silence."""
