"""In: which errors a test asks for, and of whom. Out: for each request, those in force.
Never in force unless asked for; what it says it did, it did."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .journal import RequestNote
from .launches import LAUNCH_SECONDS
from .mischief_table import PLACES, TABLE

_OPEN_PLACES = ("discovery", "jwks")
_Trick = TypeVar("_Trick")


class MischiefRefused(ValueError):
    """A wish for mischief cannot be understood; the message says why."""


@dataclass
class Chosen:
    """A mischief in force with its options; `hits` is how often it has struck."""

    name: str
    options: Mapping[str, Any]
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        """True when it has struck as often as it was to."""
        times = self.options["times"]
        return times is not None and self.hits >= times


class ActiveMischief:
    """What is in force for one request. What strikes is written into the request's note."""

    def __init__(self, chosen: Iterable[Chosen], note: RequestNote) -> None:
        self._chosen = {one.name: one for one in chosen}
        self._note = note

    def is_on(self, name: str) -> bool:
        """True when it is in force and not spent; does not count as a strike."""
        found = self._chosen.get(name)
        return found is not None and not found.is_spent

    def strike(self, name: str) -> Mapping[str, Any] | None:
        """Its options when it strikes now, which counts; None when it is not in force."""
        if not self.is_on(name):
            return None
        self._chosen[name].hits += 1
        if name not in self._note.mischief:
            self._note.mischief.append(name)
        return self._chosen[name].options

    def strike_all(self, tricks: Mapping[str, _Trick]) -> Iterator[tuple[_Trick, Mapping[str, Any]]]:
        """Every trick of the table that strikes now, with its options."""
        for name, trick in tricks.items():
            options = self.strike(name)
            if options is not None:
                yield trick, options


class MischiefBook:
    """Who is under which mischief: everyone, or one launch from its opening to its last refresh."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._server: dict[str, Chosen] = {}
        self._launches: dict[str, dict[str, Chosen]] = {}
        self._latest: dict[str, tuple[str, float]] = {}

    def add(self, raw: Any, *, launch_id: str | None = None) -> None:
        """Add to the server, or to one launch. Raises MischiefRefused, changing nothing."""
        book = self._server if launch_id is None else self._launches.setdefault(launch_id, {})
        book.update(parse_mischief(raw))

    def note_launch(self, launch_id: str, client_id: str) -> None:
        """A launch was opened: the discovery and JWKS mischief of this app's earlier launches ends."""
        self._latest[client_id] = (launch_id, self._clock() + LAUNCH_SECONDS)

    def clear(self) -> None:
        """Forget all of it, of the server and of every launch."""
        self._server, self._launches = {}, {}

    def find(self, launch_id: str | None, note: RequestNote) -> ActiveMischief:
        """What is in force for a request that belongs to a launch; the launch's own options go first."""
        own = self._launches.get(launch_id or "", {})
        return ActiveMischief((self._server | own).values(), note)

    def find_open(self, note: RequestNote) -> ActiveMischief:
        """What is in force for discovery and JWKS, which nobody signs: the server's and that of the latest launches."""
        found: dict[str, Chosen] = {}
        for launch_id, until in self._latest.values():
            if until > self._clock():
                found |= {n: c for n, c in self._launches.get(launch_id, {}).items() if n.startswith(_OPEN_PLACES)}
        return ActiveMischief((self._server | found).values(), note)

    def describe(self) -> dict[str, Any]:
        """The JSON answer of GET /sandbox/mischief."""
        launches = {key: _describe(chosen) for key, chosen in self._launches.items() if chosen}
        return {"server": _describe(self._server), "launches": launches, "known": describe_table()}


def parse_mischief(raw: Any) -> dict[str, Chosen]:
    """A name, a list of names, or an object of names with options. Raises MischiefRefused."""
    if isinstance(raw, str):
        raw = [raw]
    if isinstance(raw, list) and all(isinstance(name, str) for name in raw):
        raw = dict.fromkeys(raw)
    if not isinstance(raw, dict):
        raise MischiefRefused("mischief is a list of names, or an object of names with options")
    return {name: _choose(name, options) for name, options in raw.items()}


def _choose(name: str, options: Any) -> Chosen:
    known = TABLE.get(name)
    if known is None:
        raise MischiefRefused("no such mischief: GET /sandbox/mischief lists them")
    options = {} if options in (None, True) else options
    if not isinstance(options, dict) or set(options) - set(known.options):
        raise MischiefRefused(f"{name} takes {', '.join(sorted(known.options))}")
    for option, value in options.items():
        if not _fits(option, value, known.options[option]):
            raise MischiefRefused(f"{name}: the option {option} has the wrong type")
    return Chosen(name, {**known.options, **options})


def _fits(option: str, value: Any, default: Any) -> bool:
    if option == "times":
        return value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
    if isinstance(default, int):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str if default is None else type(default))


def describe_table() -> list[dict[str, Any]]:
    """The table as JSON objects: name, where, cases, what, lawful, options."""
    return [
        {
            "name": row.name,
            "where": row.where,
            "cases": row.cases.split(),
            "what": row.what,
            "lawful": row.lawful,
            "options": dict(row.options),
        }
        for row in TABLE.values()
    ]


def render_table() -> str:
    """The table as Markdown, one section for each place; README.md carries it word for word."""
    lines: list[str] = []
    for place in PLACES:
        lines += ["", f"**{place}**", "", "| name | what it does | case | |", "|---|---|---|---|"]
        for row in (row for row in TABLE.values() if row.where == place):
            options = {name: value for name, value in row.options.items() if name != "times" or value is not None}
            shown = ", ".join(f"{name} {_show(value)}" for name, value in options.items())
            what = row.what + (f" ({shown})" if shown else "")
            lines.append(f"| `{row.name}` | {what} | {row.cases} | {'lawful' if row.lawful else ''} |")
    return "\n".join(lines).strip() + "\n"


def _show(value: Any) -> str:
    escaped = ", ".join(value) if isinstance(value, list) else str(value)
    return "`" + escaped.replace("|", "\\|") + "`"


def _describe(chosen: Mapping[str, Chosen]) -> dict[str, Any]:
    return {name: {"options": dict(one.options), "hits": one.hits} for name, one in chosen.items()}
