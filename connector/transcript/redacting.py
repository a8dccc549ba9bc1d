"""A redacted copy of a transcript. In: the clinical one, the vendor's redacted turns. Out: a RedactedTranscript.

Never keeps what was taken out, nor a name: a word nobody can vouch for is taken out as well. Times and turns stay.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from connector.records import RedactedTranscript, SpokenEntity, Stamp, Transcript, Turn, Word

HASH, ENTITY_NAME = "hash", "entity_name"
UNNAMED = "redacted"
"""What stands for something taken out whose kind nobody told."""
_NAME = "person_name"
_SHORTEST_NAME = 2
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "miss", "prof", "md", "do", "rn", "np", "pa", "jr", "sr"})
_TAG = re.compile(r"\[([A-Z][A-Z0-9_]*)\]")
_LETTERS = re.compile(r"[^\W_]")
_PIECES = re.compile(r"[^\W_]+")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,60}")
_Phrase = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Redacting:
    """How a copy is made: the vendor's `policies` and `substitution` (hash or entity_name), the `roles` that may be
    shown as they are, whether its sound is still to come, and `names` of people known to be in the visit, which are
    taken out whatever the policies say."""

    policies: tuple[str, ...]
    substitution: str
    roles: Collection[str] = ()
    sound: str = "not-asked"
    names: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """One word as it was said and as the vendor shows it; `kind` is why it is taken out, "" while it is not."""

    said: Word
    shown: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Timed:
    """Entities by their beginning, with when the last of those so far is over: a long visit has thousands of words, and
    each asks for its own."""

    begins: list[int]
    over: list[int]
    entities: list[tuple[int, SpokenEntity]]

    @classmethod
    def of(cls, entities: Sequence[SpokenEntity]) -> _Timed:
        """From entities in the vendor's order, of which the first counts."""
        ordered = sorted(enumerate(entities), key=lambda one: one[1].start_ms)
        over = list(accumulate((_ends(entity) for _, entity in ordered), max))
        return cls([entity.start_ms for _, entity in ordered], over, ordered)

    def kind_at(self, word: Word) -> str:
        """The type of the first entity that shares a moment with a word, "" where none does; a word or an entity
        without length lies where it begins."""
        at, found = bisect_left(self.begins, max(word.end_ms, word.start_ms + 1)), list[tuple[int, str]]()
        while at and self.over[at - 1] > word.start_ms:
            at -= 1
            order, entity = self.entities[at]
            if _ends(entity) > word.start_ms:
                found.append((order, entity.entity_type))
        return min(found)[1] if found else ""


def _ends(entity: SpokenEntity) -> int:
    return max(entity.end_ms, entity.start_ms + 1)


def redact_transcript(
    transcript: Transcript, redacted: Sequence[Turn], *, redacting: Redacting, stamp: Stamp
) -> RedactedTranscript:
    """Return the copy of `transcript`, with the same turn ids and times, from the vendor's `redacted` turns.

    A word is taken out where the vendor took it out, where it lies in an entity of a chosen policy, and wherever the
    same words are said again. A turn the vendor does not show word by word as the clinical one has it is taken out
    whole, since nobody can say which of its words are safe. Roles that are not among those known are shown as a number.
    """
    others = dict(zip(_places(redacted), redacted, strict=True))
    chosen = [entity for entity in transcript.entities if entity.entity_type in redacting.policies]
    placed = zip(_places(transcript.turns), transcript.turns, strict=True)
    timed = _Timed.of(chosen)
    lines = [_compare(turn, others.get(place), timed) for place, turn in placed]
    phrases, names = _secrets(lines, chosen)
    names |= {piece for name in redacting.names for piece in _name_pieces(name)}
    lengths: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for phrase in phrases:
        lengths[phrase[0]].add(len(phrase))
    for line in lines:
        _take_out_again(line, phrases, names, lengths=lengths)
    shown = _show_roles(transcript, redacting.roles)
    turns = tuple(
        _write(turn, line, who=shown[turn.speaker], how=redacting.substitution)
        for turn, line in zip(transcript.turns, lines, strict=True)
    )
    return RedactedTranscript(
        of_transcript=transcript.transcript_id,
        policies=redacting.policies,
        substitution=redacting.substitution,
        turns=turns,
        found=_count(transcript.entities, lines),
        stamp=stamp,
        silences=tuple(_spans(transcript.turns, lines)),
        sound=redacting.sound,
        origin=transcript.origin,
        language=transcript.language,
        duration_ms=transcript.duration_ms,
    )


def _places(turns: Sequence[Turn]) -> Iterator[tuple[int, int, int]]:
    """When each turn is said, and which of those said at that time it is."""
    seen = Counter[tuple[int, int]]()
    for turn in turns:
        span = (turn.start_ms, turn.end_ms)
        yield *span, seen[span]
        seen[span] += 1


def _compare(turn: Turn, redacted: Turn | None, timed: _Timed) -> list[_Place]:
    """Every word of a turn with why it is taken out, from the vendor's turn of the same span and the entities."""
    words = turn.words or _as_words(turn)
    shown = [] if redacted is None else (redacted.words or _as_words(redacted))
    if len(shown) != len(words):
        return [_Place(word, "", UNNAMED) for word in words]
    exact = bool(turn.words)
    return [
        _Place(word, other.text, _kind(word, other.text, timed, exact=exact))
        for word, other in zip(words, shown, strict=True)
    ]


def _as_words(turn: Turn) -> tuple[Word, ...]:
    """The words of a turn that lists none: each could lie anywhere in it."""
    return tuple(Word(text, turn.start_ms, turn.end_ms, turn.confidence) for text in turn.text.split())


def _kind(word: Word, shown: str, timed: _Timed, *, exact: bool) -> str:
    tag = _TAG.search(shown)
    if tag or shown != word.text or ("#" in shown and not _LETTERS.search(shown)):
        return tag[1].lower() if tag else UNNAMED
    return timed.kind_at(word) if exact else ""


def _secrets(
    lines: Sequence[Sequence[_Place]], chosen: Sequence[SpokenEntity]
) -> tuple[dict[_Phrase, str], frozenset[str]]:
    """What was taken out as phrases, without case or signs, with their kinds; and each word of a person's name."""
    found = {_plain(entity.text.split()): entity.entity_type for entity in chosen}
    for line in lines:
        for kind, places in groupby(line, key=lambda place: place.kind):
            said = list(places)
            if kind and said[0].shown:
                found.setdefault(_plain([place.said.text for place in said]), kind)
    named = (piece for phrase, kind in found.items() if kind == _NAME for word in phrase for piece in word)
    names = frozenset(piece for piece in named if len(piece) >= _SHORTEST_NAME)
    return {phrase: kind for phrase, kind in found.items() if phrase}, names


def _name_pieces(name: str) -> Iterator[str]:
    """The words of a name that tell who it is: neither initials nor titles, nor numbers that test charts add."""
    for piece in (one.rstrip("0123456789") for one in _fold(name)):
        if len(piece) >= _SHORTEST_NAME and piece not in _TITLES:
            yield piece


def _plain(words: Sequence[str]) -> _Phrase:
    """The words of a phrase, each as the pieces its signs leave: `O'Neill's` is `o`, `neill`, `s`."""
    return tuple(pieces for word in words if (pieces := _fold(word)))


def _fold(text: str) -> tuple[str, ...]:
    """The pieces of a text without case, signs and accents: a chart writes `Muñoz` where a recogniser hears `Munoz`."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(one for one in apart if unicodedata.category(one) != "Mn")
    return tuple(_PIECES.findall(text.casefold()))


def _take_out_again(
    line: list[_Place],
    phrases: Mapping[_Phrase, str],
    names: frozenset[str],
    *,
    lengths: Mapping[tuple[str, ...], Collection[int]],
) -> None:
    """Takes phrases out of a line wherever they are said once more, and every word with a name in it. `lengths` are
    those of the phrases that begin with a word."""
    spoken = [(at, pieces) for at, place in enumerate(line) if (pieces := _fold(place.said.text))]
    hits = {at: _NAME for at, pieces in spoken if not names.isdisjoint(pieces)}
    for first in range(len(spoken)):
        for length in lengths.get(spoken[first][1], ()):
            run = spoken[first : first + length]
            kind = phrases.get(tuple(pieces for _, pieces in run))
            if kind is not None:
                hits |= {at: kind for at, _ in run}
    for at, kind in hits.items():
        if not line[at].kind:
            line[at] = replace(line[at], kind=kind)


def _show_roles(transcript: Transcript, roles: Collection[str]) -> dict[str, tuple[str, str]]:
    """Each voice's label and role in the copy: the vendor's may be a name, so labels are numbers."""
    known = {role.casefold(): role for role in roles}
    labels = dict.fromkeys(turn.speaker for turn in transcript.turns)
    said = {turn.speaker: turn.role for turn in transcript.turns}
    return {
        label: (f"S{number}", known.get(said[label].casefold(), f"Speaker {number}"))
        for number, label in enumerate(labels, start=1)
    }


def _write(turn: Turn, line: Sequence[_Place], *, who: tuple[str, str], how: str) -> Turn:
    """A turn of the copy. Its text is made of its words, so that nothing stands in one and not in the other."""
    words = tuple(
        Word(_cover(place, how) if place.kind else place.said.text, at.start_ms, at.end_ms, at.confidence)
        for place in line
        for at in (place.said,)
    )
    label, role = who
    return replace(
        turn,
        speaker=label,
        role=role,
        text=" ".join(word.text for word in words),
        words=words if turn.words else (),
    )


def _cover(place: _Place, how: str) -> str:
    """What stands for a word: `#` for each of its letters, or the name of its kind; its last sign stays."""
    if how == HASH:
        return _LETTERS.sub("#", place.said.text)
    ending = re.search(r"[.,;:!?]*$", place.said.text)
    return f"[{place.kind.upper()}]{ending[0] if ending else ''}"


def _count(entities: Sequence[SpokenEntity], lines: Sequence[Sequence[_Place]]) -> tuple[tuple[str, int], ...]:
    """How often each kind was found: entities by their own count, what no entity tells of by runs of words."""
    counts = Counter(entity.entity_type for entity in entities if _KIND.fullmatch(entity.entity_type))
    told = set(counts)
    for line in lines:
        for kind, _ in groupby(line, key=lambda place: place.kind):
            if kind and kind not in told:
                counts[kind] += 1
    return tuple(sorted(counts.items()))


def _spans(turns: Sequence[Turn], lines: Sequence[Sequence[_Place]]) -> Iterator[tuple[int, int]]:
    """When something that was taken out is heard: where a word's own times cannot be right, its whole turn as well."""
    for turn, line in zip(turns, lines, strict=True):
        for word in (place.said for place in line if place.kind):
            yield word.start_ms, word.end_ms
            if word.end_ms <= word.start_ms or word.start_ms >= turn.end_ms or word.end_ms <= turn.start_ms:
                yield turn.start_ms, turn.end_ms
