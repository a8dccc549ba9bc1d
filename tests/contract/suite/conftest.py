"""What the suite is told: the sandbox's address, a recording with its script, and the product's request for a note.

Nothing of the product and nothing of the sandbox is imported. With CONTRACT_WITHOUT_SETTINGS the SDK finds no
pydantic_settings, and then speaks pydantic's first dialect.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if os.environ.get("CONTRACT_WITHOUT_SETTINGS"):
    sys.modules["pydantic_settings"] = None  # type: ignore[assignment]

import assemblyai as aai
import httpx
import pytest
import pytest_asyncio

BASE = os.environ["CONTRACT_SANDBOX"]


@dataclass(frozen=True)
class Recording:
    """A bundled recording: its sound, and of each turn of its script the text and the start in milliseconds."""

    audio: Path
    texts: list[str]
    starts: list[int]


@pytest.fixture(scope="session")
def recording() -> Recording:
    script = json.loads(Path(os.environ["CONTRACT_SCRIPT"]).read_text("utf-8"))
    turns = script["turns"]
    return Recording(
        Path(os.environ["CONTRACT_SCRIPT"]).with_suffix(".opus"),
        [turn["text"] for turn in turns],
        [turn["start"] for turn in turns],
    )


@pytest.fixture(scope="session")
def note_request() -> dict[str, Any]:
    """Arguments of a completion: the product's own messages and schema for the recording's note."""
    asked = json.loads(Path(os.environ["CONTRACT_REQUEST"]).read_text("utf-8"))
    return {
        "messages": asked["messages"],
        "max_tokens": 6000,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "soap", "schema": asked["schema"], "strict": True},
        },
    }


@pytest.fixture
def key() -> str:
    """An API key nobody else uses: a project of its own."""
    return f"key-{uuid.uuid4()}"


@pytest.fixture
def settings(key: str) -> aai.Settings:
    return aai.Settings(
        api_key=key,
        base_url=BASE,
        llm_gateway_base_url=BASE,
        llm_gateway_http_timeout=120.0,
        polling_interval=0.1,
    )


@pytest.fixture
def client(settings: aai.Settings) -> Iterator[aai.Client]:
    one = aai.Client(settings=settings)
    with one.http_client:
        yield one


@pytest_asyncio.fixture
async def async_client(settings: aai.Settings) -> AsyncIterator[aai.AsyncClient]:
    async with aai.AsyncClient(settings=settings) as one:
        yield one


@pytest.fixture
def controls() -> Iterator[httpx.Client]:
    """The sandbox's own switches, all off again afterwards."""
    with httpx.Client(base_url=BASE, trust_env=False, timeout=30) as one:
        yield one
        one.delete("/sandbox/faults")
        one.patch("/sandbox/controls", json={"failing_models": [], "gateway_envelope": "current"})
