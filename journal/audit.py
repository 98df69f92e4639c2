"""Checking the log as it is stored, event by event, in order: that nothing is missing, changed, moved or forged.

What a single event and the chain of its aggregate can tell is told here; what only a fold can tell (that every event is legal
after those before it, that read models are right) is `projections/audit.py`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from domain.registry import AGGREGATES, KNOWN
from journal.authority import actor_may, may_append
from journal.chain import LogDigest, hash_of
from journal.envelope import Recorded
from journal.errors import LogBroken
from journal.event_check import schema_errors
from journal.stored import Stored

REQUIRED = (
    "ce-specversion",
    "ce-id",
    "ce-type",
    "ce-source",
    "ce-subject",
    "ce-time",
    "ce-sequence",
    "ce-actor",
    "content-type",
)
"""Headers that every event has."""

NOTHING = (0, "")


class LogAudit:
    """Checks events in the order of their positions, from the first on."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, str]] = {}  # subject → version and hash of the newest event so far
        self._digest = LogDigest()
        self.position = 0

    @property
    def aggregates(self) -> int:
        """How many aggregates were seen."""
        return len(self._newest)

    @property
    def digest(self) -> str:
        """Over the whole log so far, as 64 hex digits: the same again only for the very same events in the same order."""
        return self._digest.hexdigest()

    def check(self, stored: Stored) -> Recorded:
        """Check the next event. Raises LogBroken with what is wrong with it."""
        try:
            event_hash = self._check(stored)
            recorded = Recorded.of(stored)
        except Wrong as wrong:
            raise LogBroken(stored.position, f"{_name(stored)}: {wrong}") from None
        except Exception as error:
            raise LogBroken(stored.position, f"{_name(stored)}: it cannot be read: {error!r}") from error
        self._newest[stored.subject] = (recorded.event.originator_version, event_hash)
        self._digest.add(event_hash)
        self.position = stored.position
        return recorded

    def _check(self, stored: Stored) -> str:
        if stored.position != self.position + 1:
            raise Wrong(f"it follows on event {self.position}; what stood between is missing")
        headers = stored.headers
        _check_envelope(stored, headers)
        _check_author(headers)
        version, previous = self._newest.get(stored.subject, NOTHING)
        if headers["ce-sequence"] != str(version + 1):
            raise Wrong(
                f"it says that it is number {headers['ce-sequence']} of its aggregate; number {version + 1} is due"
            )
        if headers.get("ce-previoushash", "") != previous:
            raise Wrong(
                f"it names {headers.get('ce-previoushash') or 'no event'} as the one before it, whose hash is "
                f"{previous or 'none: it is the first'}: one of the two was changed, or another stood between"
            )
        _check_body(stored, headers)
        return hash_of(stored.subject, stored.block, stored.body)


class Wrong(Exception):
    """What is wrong with an event."""


def _name(stored: Stored) -> str:
    kind = stored.headers.get("ce-type", "an event without a type")
    return f"event {stored.position} ({stored.subject}, {kind})"


def _check_envelope(stored: Stored, headers: Mapping[str, str]) -> None:
    root, _, rest = stored.subject.partition(".")
    kind, _, aggregate_id = rest.partition(".")
    if root != "evt" or kind not in AGGREGATES or not aggregate_id:
        raise Wrong("it stands on a subject that belongs to no aggregate")
    if missing := [name for name in REQUIRED if name not in headers]:
        raise Wrong(f"it has no {', '.join(missing)}")
    if stored.block.count(b"\r\nce-") != sum(name.startswith("ce-") for name in headers):
        raise Wrong("a header stands in it twice")
    if headers["ce-subject"] != f"{kind}/{aggregate_id}":
        raise Wrong(f"it says that it is about {headers['ce-subject']}")
    known = KNOWN.get(headers["ce-type"])
    if known is None:
        raise Wrong("nobody has declared its type: it was forged, or written by a newer version of Chronova")
    if known.kind != kind:
        raise Wrong(f"its type is one of {known.kind}s")


def _check_author(headers: Mapping[str, str]) -> None:
    source, actor = headers["ce-source"], headers["ce-actor"]
    if not may_append(headers["ce-type"], source):
        raise Wrong(f"{source} may not append such an event")
    if not actor_may(source, actor):
        raise Wrong(f"{source} does not act for {actor}")


def _check_body(stored: Stored, headers: Mapping[str, str]) -> None:
    try:
        parts: Any = orjson.loads(stored.body)
    except orjson.JSONDecodeError as error:
        raise Wrong(f"its body is no JSON: {error}") from None
    if errors := schema_errors(headers["ce-type"], parts):
        raise Wrong(f"its body is not as its schema says: {errors[0]}")
    if parts["timestamp"] != headers["ce-time"]:
        raise Wrong(f"its envelope says that it happened at {headers['ce-time']}, its body at {parts['timestamp']}")
