"""In: nothing. Out: the catalogue of GET /v1/models, in the vendor's shape.

Prices are made up (dollars for a million tokens, which the vendor does not say), limits are placeholders.
"""

from __future__ import annotations

from typing import Any

_COMMON = ("max_tokens", "temperature", "tools", "tool_choice")
# Names the source documents use, one that cannot keep to a schema, and one that is no more.
_CATALOGUE = {
    "claude-sonnet-4-6": "anthropic",
    "claude-haiku-4-5-20251001": "anthropic",
    "gemini-2.5-pro": "google",
    "gemini-3-pro-preview": "google",
    "gpt-5.1": "openai",
    "gpt-oss-120b": "openai",
    "claude-3-5-haiku-20241022": "anthropic",
}
_WITHOUT_SCHEMA = ("gpt-oss-120b",)
_RETIRED = {"claude-3-5-haiku-20241022": 1_771_459_200}  # 2026-02-19
_PRICES = {"anthropic": (3.0, 15.0), "google": (1.25, 10.0), "openai": (1.25, 10.0)}
_REGION_PERCENT = 10.0
_CONTEXT = 200_000


def is_known(model: str) -> bool:
    """Whether the catalogue has this model."""
    return model in _CATALOGUE


def is_retired(model: str) -> bool:
    """Whether the catalogue still lists the model, and answers for it no more."""
    return model in _RETIRED


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
    regions = ["us"] if creator == "openai" else ["us", "eu"]
    prompt, completions = _PRICES[creator]
    price = {"completions": completions, "prompt": prompt}
    regional = {name: round(one * (1 + _REGION_PERCENT / 100), 4) for name, one in price.items()}
    provider = {"id": creator, "name": creator.title()}
    return {
        "id": model,
        "name": model,
        "description": "Sandbox: answered by the product's offline drafter, not by this model.",
        "context_length": _CONTEXT,
        "supported_parameters": [*_COMMON, "response_format"] if takes_schema(model) else list(_COMMON),
        "default_parameters": {"temperature": 1.0},
        "top_provider": {"is_moderated": False, "context_length": _CONTEXT, "max_completion_tokens": 64_000},
        "pricing": {
            "global": price,
            **dict.fromkeys(regions, regional),
            "regional_increase_percent": _REGION_PERCENT,
        },
        "creator": creator,
        "retirement_date": _RETIRED.get(model, 0),
        "available_regions": regions,
        "providers": [provider],
        "default_provider": provider,
    }
