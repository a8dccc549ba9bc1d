"""Durable workflows on DBOS; they carry ids only, never patient data."""
