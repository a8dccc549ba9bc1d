"""Times as people read them. In: seconds, milliseconds, dates. Out: short texts. Never reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant: `iso` for machines and for the browser's own time zone, `text` in UTC, `age` in words."""

    iso: str
    text: str
    age: str


def show_moment(at: datetime, now: datetime) -> Moment:
    """`at` for a page drawn at `now`."""
    instant = at.astimezone(UTC)
    text = f"{show_day(instant.date())}, {instant:%H:%M} UTC"
    return Moment(instant.isoformat(timespec="seconds"), text, describe_age((now - at).total_seconds()))


def describe_age(seconds: float) -> str:
    """How long ago, in the largest whole unit: `moments ago`, `4 minutes ago`, `2 days ago`."""
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return f"{count(int(seconds // size), word)} ago"
    return "moments ago"


def describe_length(seconds: float) -> str:
    """A length of time: `8 s`, `1 min 31 s`, `1 h 5 min`."""
    whole = max(0, round(seconds))
    if whole >= _HOUR:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _MINUTE} min {whole % _MINUTE} s" if whole >= _MINUTE else f"{whole} s"


def show_offset(milliseconds: int) -> str:
    """A place in a recording: `1:23`, `1:02:03`."""
    whole = max(0, milliseconds) // 1000
    hours, minutes, seconds = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def show_day(day: date) -> str:
    """A date no reader can take for another: `7 Jul 1992`."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day} {months[day.month - 1]} {day.year}"


def years_between(born: date, today: date) -> int:
    """Completed years of life."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def count(number: int, word: str, plural: str | None = None) -> str:
    """`1 entry`, `3 entries`: the number with its word."""
    return f"{number} {word if number == 1 else plural or word + 's'}"
