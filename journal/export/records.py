"""Records: events and secrets as a frame holds them, byte for byte as they are stored."""

import re
from collections.abc import Iterable, Iterator

from journal.export.errors import ExportDamaged
from journal.stored import VERSION_LINE, Stored

EVENT = re.compile(rb"([^ \r\n]+) ([0-9]{1,8}) ([0-9]{1,8})\n")
SECRET = re.compile(rb"([^ \r\n]+) ([0-9]{1,8})\n")
LINE_LIMIT = 1024  # bytes; a subject is shorter


def own_block(block: bytes) -> bytes:
    """A header block as the event's writer gave it: without what the log's protocol has put into it on the way (`Nats-…`)."""
    at = block.find(b"\r\nNats-")
    if at < 0:
        return block
    rest = [line for line in block[at + 2 :].split(b"\r\n") if not line.startswith(b"Nats-")]
    return b"\r\n".join((block[:at], *rest))


def event_record(stored: Stored) -> bytes:
    """`<subject> <length of header block> <length of body>` and a line feed, then both, then a line feed."""
    block = own_block(stored.block)
    return b"%s %d %d\n%s%s\n" % (stored.subject.encode(), len(block), len(stored.body), block, stored.body)


def events_in(content: bytes, *, first: int) -> Iterator[Stored]:
    """The events of a frame, the first of which stands at a position. Raises ExportDamaged."""
    position = first
    for match, at in _records(content, EVENT):
        middle = at + int(match[2])
        end = middle + int(match[3])
        block = content[at:middle]
        if not block.startswith(VERSION_LINE) or not block.endswith(b"\r\n\r\n") or b"\r\nNats-" in block:
            raise ExportDamaged(f"the headers of event {position} are none")
        yield Stored(position, match[1].decode(), block, content[middle:end])
        position += 1


def secret_record(key: str, value: bytes) -> bytes:
    """`<key> <length>` and a line feed, then the value, then a line feed."""
    return b"%s %d\n%s\n" % (key.encode(), len(value), value)


def secrets_in(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The secrets of a frame, by key. Raises ExportDamaged."""
    for match, at in _records(content, SECRET):
        yield match[1].decode(), content[at : at + int(match[2])]


def _records(content: bytes, head: re.Pattern[bytes]) -> Iterable[tuple[re.Match[bytes], int]]:
    """Each record's first line, and where its bytes begin."""
    at = 0
    while at < len(content):
        match = head.match(content, at, at + LINE_LIMIT)
        if match is None:
            raise ExportDamaged("a record does not begin as one")
        end = match.end() + sum(int(length) for length in match.groups()[1:])
        if content[end : end + 1] != b"\n":
            raise ExportDamaged("a record does not end where it should")
        yield match, match.end()
        at = end + 1
