"""The serial console's log: what the guest has said, kept by virtlogd in files of bounded size, newest without a number."""

import os
from collections.abc import Iterator
from pathlib import Path

FILE = "console.log"
BLOCK = 64 * 1024  # bytes


def read_console(directory: Path, lines: int | None) -> str:
    """The last lines of a guest's console, or all that is kept; empty when it has said nothing. Raises OSError."""
    if lines is not None and lines <= 0:
        return ""
    blocks: list[bytes] = []
    breaks = 0
    for block in _blocks_from_the_end(directory):
        blocks.append(block)
        breaks += block.count(b"\n")
        if lines is not None and breaks > lines:
            break
    text = b"".join(reversed(blocks)).decode(errors="replace")
    return text if lines is None else _last(text, lines)


def _last(text: str, lines: int) -> str:
    parts = text.split("\n")  # not splitlines(): a guest's carriage returns and form feeds end no line
    return "\n".join(parts[-lines - (parts[-1] == "") :])


def _blocks_from_the_end(directory: Path) -> Iterator[bytes]:
    current = directory / FILE
    older = sorted(directory.glob(f"{FILE}.*"), key=lambda path: int(path.suffix[1:]))
    for path in (current, *older):
        try:
            with path.open("rb") as file:
                position = file.seek(0, os.SEEK_END)
                while position > 0:
                    start = max(0, position - BLOCK)
                    file.seek(start)
                    yield file.read(position - start)
                    position = start
        except FileNotFoundError:
            continue  # rolled over meanwhile, or nothing said yet
