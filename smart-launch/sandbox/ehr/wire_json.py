"""In: JSON text from the wire. Out: Python values, and back, with every decimal spelt as it came (1.50 stays 1.50).
Never rounds: FHIR decimals carry their precision (FHIR R4 datatypes, decimal)."""

import json
import re
from typing import Any

_MARK = "\ue000"
_MARKED = re.compile(f'"{_MARK}([^"{_MARK}]+){_MARK}"')


class NotJson(ValueError):
    """The text is not JSON that can be carried through unchanged."""


def parse_json(text: bytes) -> Any:
    """Decode; decimals become marked strings that render_json writes back as they were. Raises NotJson."""
    try:
        decoded = text.decode("utf-8-sig")
        if _MARK in decoded or "\\ue000" in decoded.lower():
            raise NotJson("the private-use character U+E000 is not carried")
        return json.loads(decoded, parse_float=lambda number: f"{_MARK}{number}{_MARK}")
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NotJson("not JSON") from error


def render_json(value: Any) -> bytes:
    """Encode what parse_json gave, changed or not."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _MARKED.sub(r"\1", text).encode("utf-8")
