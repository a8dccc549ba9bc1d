"""Fixtures for all tests."""

from tests.fixtures.hapi import hapi_base, hapi_with_patients

__all__ = ["hapi_base", "hapi_with_patients"]
