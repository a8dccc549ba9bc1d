"""The suite runs in an environment of its own: `test_contract_environment` starts it there, and nothing of it here."""

collect_ignore = ["suite"]
