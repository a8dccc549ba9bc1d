"""In: text that should be one JSON object. Out: the object as JSON text, or nothing. Never invents a value."""

from __future__ import annotations

import json

_CLOSING = {"{": "}", "[": "]"}


def mend_json(text: str) -> str | None:
    """What begins at the first brace, with the string and the brackets closed that are open at its end."""
    start = text.find("{")
    if start < 0:
        return None
    found, _ = _read_whole(text[start:])
    if found is not None:
        return json.dumps(found, ensure_ascii=False)
    found, _ = _read_whole(_close(text[start:].rstrip()))
    return None if found is None else json.dumps(found, ensure_ascii=False)


def _read_whole(text: str) -> tuple[dict[str, object] | None, int]:
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None, 0
    return (found, end) if isinstance(found, dict) else (None, 0)


def _close(text: str) -> str:
    open_brackets: list[str] = []
    within, escaped = False, False
    for letter in text:
        if within:
            within = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            within = True
        elif letter in _CLOSING:
            open_brackets.append(_CLOSING[letter])
        elif open_brackets and letter == open_brackets[-1]:
            open_brackets.pop()
    closed = text.rstrip("\\") + '"' if within else text.rstrip(",")
    return closed + "".join(reversed(open_brackets))
