"""The processes of a region: started, watched, started again when they die, and ended in order."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from journal.waiting import within

log = logging.getLogger(__name__)

LASTING = 30.0  # seconds after which a process counts as having run well
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before it is started again, the more often it dies


class StartFailed(Exception):
    """A process does not come up. The message says which, and what it said last."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to know that it is ready."""

    name: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    patience: float = 30.0  # seconds until it must be ready
    ending: float = 15.0  # seconds that it has to end in order
    environment: Mapping[str, str] = field(default_factory=dict)


class Process:
    """One program that is kept running."""

    def __init__(self, program: Program, *, logs: Path, run: Path) -> None:
        self.program = program
        self._log_path = logs / f"{program.name}.log"
        self._pid_path = run / f"{program.name}.pid"
        self._child: asyncio.subprocess.Process | None = None
        self._deaths = 0

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises StartFailed."""
        await self._spawn()
        deadline = time.monotonic() + self.program.patience
        while not await self.program.ready():
            if self._child is None or self._child.returncode is not None:
                raise StartFailed(f"{self.program.name} ended while starting: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.program.name} is not ready after {self.program.patience:.0f} s: {self.last_words()}"
                )
            await asyncio.sleep(0.05)

    async def keep(self) -> None:
        """Start it again whenever it dies, for ever."""
        while True:
            began = time.monotonic()
            code = await self._child.wait() if self._child is not None else 0
            self._deaths = 0 if time.monotonic() - began > LASTING else self._deaths + 1
            pause = PAUSES[min(self._deaths, len(PAUSES) - 1)]
            log.warning("%s ended (%s); started again in %.1f s", self.program.name, describe(code), pause)
            await asyncio.sleep(pause)
            await self._spawn()

    async def stop(self) -> None:
        """End it: asked first, then made to."""
        child = self._child
        if child is None or child.returncode is not None:
            self._pid_path.unlink(missing_ok=True)
            return
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await within(self.program.ending, child.wait())
        except TimeoutError:
            log.warning("%s does not end by itself and is killed", self.program.name)
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        self._pid_path.unlink(missing_ok=True)

    def restart(self) -> None:
        """End it; whoever keeps it starts it again."""
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()

    @property
    def output(self) -> Path:
        """Where it writes what it does."""
        return self._log_path

    def last_words(self) -> str:
        """The end of its log."""
        try:
            lines = self._log_path.read_text(errors="replace").strip().splitlines()
        except OSError:
            return f"see {self._log_path}"
        return " | ".join(lines[-3:]) + f" (see {self._log_path})"

    async def _spawn(self) -> None:
        with self._log_path.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                *self.program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, **self.program.environment},
            )
        write_pid(self._pid_path, self._child.pid)


def describe(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def write_pid(path: Path, pid: int) -> None:
    """Leave a pid with the moment its process began, so that a number that is used again is not taken for it."""
    path.write_text(f"{pid} {began_at(pid)}\n")


def running(path: Path) -> int | None:
    """The pid in a file when that very process still runs."""
    try:
        pid, began = path.read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if began != "0" and began_at(int(pid)) == began else None


def began_at(pid: int) -> str:
    """When a process began, in clock ticks since the machine did; "0" when there is none (proc(5), /proc/pid/stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "0"
    return "0" if fields[0] == "Z" else fields[19]


def end_by_pid(path: Path, *, how: signal.Signals = signal.SIGTERM, patience: float = 15.0) -> bool:
    """End the process that a pid file names, by force past `patience` seconds; whether there was one."""
    pid = running(path)
    if pid is None:
        path.unlink(missing_ok=True)
        return False
    deadline = time.monotonic() + patience
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
        while running(path) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    path.unlink(missing_ok=True)
    return True
