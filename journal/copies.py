"""The copies of a log that a cluster keeps: who leads each stream, and which copy lags behind or is away."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from journal.bus import Bus
from journal.errors import JournalError
from journal.streams import STREAMS, call

ONE_ANSWER = 2.0  # seconds: of a stream without a leader nobody tells
SILENCE = 5_000_000_000  # nanoseconds since a node was last heard of by the leader, which asks every second


@dataclass(frozen=True, slots=True)
class Copies:
    """Where one stream is."""

    stream: str
    leader: str | None  # None: it cannot be written just now
    lag: dict[str, int | None]  # of every other node that keeps a copy: messages behind; None: it is away or catches up

    def is_whole(self, replicas: int) -> bool:
        """Whether it is led, and so many nodes keep it, are there and keep up."""
        return self.leader is not None and None not in self.lag.values() and len(self.lag) + 1 >= replicas

    @classmethod
    def from_document(cls, stream: str, cluster: dict[str, Any]) -> "Copies":
        """From what the server says of a stream's cluster."""
        others = cluster.get("replicas") or []
        return cls(stream, cluster.get("leader"), {other["name"]: _lag(other) for other in others})


async def copies(bus: Bus, streams: Iterable[str] = STREAMS) -> list[Copies]:
    """The copies of streams of a cluster. A stream of which nobody tells has no leader."""
    found = []
    for stream in streams:
        try:
            info = await call(bus, f"STREAM.INFO.{stream}", seconds=ONE_ANSWER)
        except JournalError:
            found.append(Copies(stream, None, {}))
        else:
            found.append(Copies.from_document(stream, info.get("cluster") or {}))
    return found


def _lag(other: dict[str, Any]) -> int | None:
    """How far a copy is behind; None when its node is away, or has not caught up since it came back."""
    if not other["current"] or other.get("offline") or other.get("active", 0) > SILENCE:
        return None
    return int(other.get("lag", 0))
