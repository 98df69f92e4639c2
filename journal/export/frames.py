"""Frames: what an export consists of. A line of text, then bytes; each names the checksum of itself and all before it.

`<kind> <first> <last> <length> <digest> <checksum>` and a line feed, then `length` bytes. The checksum is the SHA-256 over the
checksum of the frame before (32 bytes; for the first frame, of the file's first line), the line up to the blank before the
checksum, a line feed, and the bytes. So no frame can be changed, dropped, moved or taken from another file unnoticed.
"""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import BinaryIO

from journal.export.errors import ExportDamaged, ExportTorn, NotAnExport

FORMAT = 1
FIRST_LINE = b"chronova-export %d\n" % FORMAT
LONGEST_LINE = 256  # bytes
LARGEST = 16 << 20  # bytes in a frame, packed or not
LEVEL = 4  # of zlib: nearly as small as 6, in two thirds of its time

NAME = re.compile(rb"chronova-export ([0-9]{1,9})\n")
LINE = re.compile(rb"([a-z]+) ([0-9]{1,19}) ([0-9]{1,19}) ([0-9]{1,9}) ([0-9a-f]{64}|-) ([0-9a-f]{64})\n")


class Kind(StrEnum):
    """What a frame holds, in the order in which they come."""

    HEADER = "header"
    EVENTS = "events"
    SECRETS = "secrets"
    END = "end"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `first` and `last` are positions of events; where there are none in it, `first` is the one that would follow."""

    kind: Kind
    first: int
    last: int
    digest: str  # `LogDigest` of the log up to `last`; "" for an empty log
    content: bytes  # not packed


class Framing:
    """The checksum that runs through the frames of a file, in whichever direction they go."""

    def __init__(self, checksum: bytes | None = None) -> None:
        self._checksum = checksum or sha256(FIRST_LINE).digest()

    def copy(self) -> "Framing":
        """The same, to go on from here later."""
        return Framing(self._checksum)

    def encode(self, frame: Frame) -> bytes:
        """The bytes of the next frame."""
        packed = zlib.compress(frame.content, LEVEL)
        line = f"{frame.kind} {frame.first} {frame.last} {len(packed)} {frame.digest or '-'}".encode()
        self._add(line, packed)
        return b"".join((line, b" ", self._checksum.hex().encode(), b"\n", packed))

    def read(self, file: BinaryIO) -> Frame:
        """The next frame of a file. Raises ExportTorn where the file ends, ExportDamaged."""
        line = file.readline(LONGEST_LINE)
        if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
            raise ExportTorn("it ends too early")
        match = LINE.fullmatch(line)
        if match is None or match[1].decode() not in Kind.__members__.values():
            raise ExportDamaged("a frame does not begin as one")
        length = int(match[4])
        if length > LARGEST:
            raise ExportDamaged("a frame is larger than any")
        packed = file.read(length)
        if len(packed) < length:
            raise ExportTorn("it ends too early")
        self._add(line[: match.end(5)], packed)
        if self._checksum.hex().encode() != match[6]:
            raise ExportDamaged("a checksum does not match")
        digest = "" if match[5] == b"-" else match[5].decode()
        return Frame(Kind(match[1].decode()), int(match[2]), int(match[3]), digest, _unpacked(packed))

    def _add(self, line: bytes, packed: bytes) -> None:
        self._checksum = sha256(b"".join((self._checksum, line, b"\n", packed))).digest()


def _unpacked(packed: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(packed, LARGEST)
    except zlib.error as error:
        raise ExportDamaged(f"a frame cannot be unpacked: {error}") from None
    if not inflate.eof or inflate.unused_data:
        raise ExportDamaged("a frame cannot be unpacked")
    return content


def read_first_line(file: BinaryIO) -> None:
    """Pass the line that begins every export. Raises NotAnExport."""
    line = file.readline(LONGEST_LINE)
    match = NAME.fullmatch(line)
    if match is None:
        raise NotAnExport("it is no export of a Chronova log")
    if line != FIRST_LINE:
        raise NotAnExport(f"its format is {match[1].decode()}, and this version reads format {FORMAT}")
