"""What the demo prints of a visit."""

from connector_sandbox.demo import describe_context


def test_the_chart_is_told_in_one_line_and_parts_that_are_still_read_are_counted() -> None:
    sections = {
        "patient": {"state": "ok", "count": 1},
        "medications": {"state": "ok", "count": 6},
        "allergies": {"state": "empty", "count": 0},
        "labs": {"state": "forbidden", "count": 0},
        "goals": {"state": "pending", "count": 0},
        "orders": {"state": "pending", "count": 0},
    }
    told = describe_context({"sections": sections, "keyterms": ["a", "b"]})
    assert told == "6 medications, 0 allergies, labs forbidden, 2 more parts being read → 2 keyterms"
    read = {name: one for name, one in sections.items() if one["state"] != "pending"}
    assert "being read" not in describe_context({"sections": read, "keyterms": []})
