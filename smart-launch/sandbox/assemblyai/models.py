"""In: nothing. Out: the catalogue of GET /v1/models, in the vendor's shape. Prices and limits are placeholders."""

from __future__ import annotations

from typing import Any

_COMMON = ("max_tokens", "temperature", "tools", "tool_choice")
# Names the source documents use, and one that cannot keep to a schema.
_CATALOGUE = {
    "claude-sonnet-4-6": "anthropic",
    "claude-haiku-4-5-20251001": "anthropic",
    "gemini-2.5-pro": "google",
    "gemini-3-pro-preview": "google",
    "gpt-5.1": "openai",
    "gpt-oss-120b": "openai",
}
_WITHOUT_SCHEMA = ("gpt-oss-120b",)
_CONTEXT = 200_000


def is_known(model: str) -> bool:
    """Whether the catalogue has this model."""
    return model in _CATALOGUE


def takes_schema(model: str) -> bool:
    """Whether the model supports `response_format`."""
    return model not in _WITHOUT_SCHEMA


def is_openai(model: str) -> bool:
    """Whether strict schemas must close every object (`additionalProperties: false`)."""
    return _CATALOGUE[model] == "openai"


def print_models() -> list[dict[str, Any]]:
    """The catalogue as the gateway prints it."""
    return [_print_model(model, creator) for model, creator in _CATALOGUE.items()]


def _print_model(model: str, creator: str) -> dict[str, Any]:
    provider = {"id": creator, "name": creator.title()}
    return {
        "id": model,
        "name": model,
        "description": "Sandbox: answered by the product's offline drafter, not by this model.",
        "context_length": _CONTEXT,
        "supported_parameters": [*_COMMON, "response_format"] if takes_schema(model) else list(_COMMON),
        "default_parameters": {"temperature": 1.0},
        "top_provider": {"is_moderated": False, "context_length": _CONTEXT, "max_completion_tokens": 64_000},
        "pricing": {"global": {"completions": 0.0, "prompt": 0.0}},
        "creator": creator,
        "retirement_date": 0,
        "available_regions": ["us"] if creator == "openai" else ["us", "eu"],
        "providers": [provider],
        "default_provider": provider,
    }
