"""Progress of long work, on the error output: a line that changes on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import Self, TextIO

ON_TERMINAL = 0.1  # seconds between two looks
ELSEWHERE = 5.0


class Progress:
    """Shows how much of something that takes long is done: `with Progress("exported", 1000) as progress: progress.at(10)`."""

    def __init__(self, what: str, total: int, *, unit: str = "events", stream: TextIO | None = None) -> None:
        self._what = what
        self._total = total
        self._unit = unit
        self._stream = stream or sys.stderr
        self._on_terminal = self._stream.isatty()
        self._pause = ON_TERMINAL if self._on_terminal else ELSEWHERE
        self._began = self._shown_at = time.monotonic()
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line off the terminal, for something else to be written there."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0

    def at(self, done: int) -> None:
        """So much is done. Shown when it is time for it."""
        now = time.monotonic()
        if now - self._shown_at < self._pause:
            return
        self._shown_at = now
        self._show(self._sentence(done, now - self._began))

    def _sentence(self, done: int, seconds: float) -> str:
        share = f" ({100 * done // self._total} %)" if self._total else ""
        rate = f", {done / seconds:,.0f} a second" if seconds > 1 else ""
        return f"{self._what} {done:,} of {self._total:,} {self._unit}{share}{rate}"

    def _show(self, sentence: str) -> None:
        if self._on_terminal:
            self._stream.write("\r" + sentence.ljust(self._shown))
            self._shown = len(sentence)
        else:
            self._stream.write(sentence + "\n")
        self._stream.flush()
