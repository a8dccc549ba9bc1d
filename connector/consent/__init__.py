"""Stage: the patient's answer to Consent. Pure; no answer is never taken for yes."""
