"""The tests; CONTRIBUTING.md says which kind a change needs."""
