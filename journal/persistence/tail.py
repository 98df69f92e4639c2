"""What is known of a subject's end: where an append must be expected, and which version is the highest.

What is remembered may be old. So it is used to guess well, never to refuse, nor to answer: the log has the last word.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from journal.persistence.record import VERSION
from journal.stored import Stored

HIGHEST = "es-highest"
"""The highest version of the subject; only where it is not the message's own."""
BEFORE = "es-before"
"""On a message of a transaction: what was known of the subject before it, for when the transaction comes to nothing."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a subject."""

    position: int = 0  # of the newest message, whatever has become of it; 0: there is none
    highest: int | None = None  # version that counts
    ordered: bool = True  # versions rise with positions

    @classmethod
    def of(cls, newest: Stored, *, counts: bool = True) -> Self:
        """The end of a subject by its newest message; `counts` is false for one of a transaction that came to nothing, or may."""
        headers = newest.headers
        if not counts:
            highest, _, unordered = headers[BEFORE].partition(" ")
            return cls(newest.position, None if highest == "none" else int(highest), not unordered)
        highest = headers.get(HIGHEST, "")
        return cls(newest.position, int(highest or headers[VERSION]), not highest)

    def raised(self, version: int) -> Self:
        """The end after one more version, at a position that is not known yet."""
        if self.highest is None or version > self.highest:
            return replace(self, highest=version)
        return replace(self, ordered=False)

    def marks(self) -> Mapping[str, str]:
        """The header that the message of this end needs."""
        return {} if self.ordered else {HIGHEST: str(self.highest)}

    def before(self) -> Mapping[str, str]:
        """The header that the messages of a transaction need which follow this end."""
        return {BEFORE: f"{'none' if self.highest is None else self.highest}{'' if self.ordered else ' unordered'}"}


class Tails:
    """The ends of the subjects that were used last."""

    def __init__(self, size: int = 100_000) -> None:
        self.reached = 0  # the highest position that was ever known
        self._size = size
        self._tails: OrderedDict[str, Tail] = OrderedDict()

    def get(self, subject: str) -> Tail | None:
        """What was known last."""
        return self._tails.get(subject)

    def put(self, subject: str, tail: Tail) -> None:
        """Remember what is known now, unless something newer is."""
        self.reached = max(self.reached, tail.position)
        known = self._tails.pop(subject, None)
        self._tails[subject] = tail if known is None or known.position <= tail.position else known
        while len(self._tails) > self._size:
            self._tails.popitem(last=False)

    def forget(self, subject: str) -> None:
        """It was wrong."""
        self._tails.pop(subject, None)

    def forget_all(self) -> None:
        """All of it may be wrong."""
        self._tails.clear()
        self.reached = 0
