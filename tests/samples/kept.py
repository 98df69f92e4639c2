"""The samples that are kept: events and whole histories as they were written once, and what was folded of them.

events/<topic>.json       one event of that version: its headers and its body as stored, and the history that it is from
histories/<name>.json     all events of one aggregate: its subject, and their headers and bodies as stored
folded/<topic>.json       the aggregate right after that event
folded/<name>.json        the aggregate at the end of that history
SHA256SUMS                of events/ and histories/: what was written once stays as it is
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from domain.aggregate import Aggregate
from journal.envelope import Recorded
from journal.stored import Stored

HERE = Path(__file__).parent
FREEZE = "python -m tests.samples.freeze"


@dataclass(frozen=True)
class Kept:
    """A directory of samples."""

    directory: Path = HERE

    @property
    def sums(self) -> Path:
        return self.directory / "SHA256SUMS"

    def event(self, topic: str) -> Path:
        return self.directory / "events" / f"{topic}.json"

    def history(self, name: str) -> Path:
        return self.directory / "histories" / f"{name}.json"

    def folded(self, name: str) -> Path:
        return self.directory / "folded" / f"{name}.json"

    def topics(self) -> list[str]:
        return sorted(path.stem for path in (self.directory / "events").glob("*.json"))

    def histories(self) -> list[str]:
        return sorted(path.stem for path in (self.directory / "histories").glob("*.json"))

    def stored_history(self, name: str) -> list[Stored]:
        """The events of a history as the log held them."""
        found = read(self.history(name))
        return [stored(number, found["subject"], event) for number, event in enumerate(found["events"], 1)]

    def stored_event(self, topic: str) -> Stored:
        """The sample of a topic as the log held it."""
        found = read(self.event(topic))
        subject = read(self.history(found["history"]))["subject"]
        return stored(int(found["headers"]["ce-sequence"]), subject, found)

    def up_to(self, topic: str) -> list[Stored]:
        """The sample of a topic, behind all that led to it."""
        sample = self.stored_event(topic)
        before = self.stored_history(read(self.event(topic))["history"])[: sample.position - 1]
        return [*before, sample]

    def actual_sums(self) -> dict[str, str]:
        """Path → SHA-256 of every sample that may not change."""
        paths = sorted([*self.directory.glob("events/*.json"), *self.directory.glob("histories/*.json")])
        return {str(path.relative_to(self.directory)): sha256(path.read_bytes()).hexdigest() for path in paths}

    def noted_sums(self) -> dict[str, str]:
        """The same, as it was noted when each sample was added."""
        lines = self.sums.read_text().splitlines() if self.sums.exists() else []
        return {path: checksum for checksum, path in (line.split("  ") for line in lines)}


def stored(number: int, subject: str, event: dict[str, Any]) -> Stored:
    return Stored.made_of(number, subject, event["headers"], event["body"].encode())


def fold(history: Iterable[Stored]) -> Aggregate:
    state: Any = None
    for message in history:
        state = Recorded.of(message).event.mutate(state)
    assert isinstance(state, Aggregate)
    return state


def state_of(aggregate: Aggregate) -> dict[str, Any]:
    """All that was folded, as JSON."""
    parts = {name.lstrip("_"): value for name, value in vars(aggregate).items() if name != "_pending_events"}
    document: dict[str, Any] = orjson.loads(orjson.dumps(parts, default=_plain))
    return document


def _plain(value: Any) -> Sequence[Any]:
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value)} is no part of a folded state that can be kept")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found
