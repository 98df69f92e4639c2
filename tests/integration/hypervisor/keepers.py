"""Keepers that a test starts, as `chronova up` does: as processes."""

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from services.compute.libvirt.layout import Layout
from tests.integration.hypervisor.waiting import processes_with

REPOSITORY = Path(__file__).parents[3]
STOPPING = 60.0  # seconds


@dataclass
class KeeperProcess:
    """A keeper on a directory."""

    root: Path
    process: "subprocess.Popen[str] | None" = field(default=None)

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    def start(self, accelerator: str = "qemu") -> None:
        """Start it, and wait for its word."""
        self.process = subprocess.Popen(
            self._command("--accelerator", accelerator), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        deadline = time.monotonic() + 40
        while not select.select([self.process.stdout], [], [], 0.1)[0]:
            assert time.monotonic() < deadline, "the keeper does not become ready"
        said = self.process.stdout.readline()
        assert said == f"ready {self.layout.uri}\n", f"the keeper said {said!r}"

    def kill(self) -> None:
        """End it without letting it tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        return self._end(signal.SIGTERM)

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run another keeper on the same root to its end."""
        return subprocess.run(
            self._command(*options), cwd=REPOSITORY, check=False, capture_output=True, text=True, timeout=STOPPING
        )

    def remains(self) -> list[str]:
        """What is on the machine of it."""
        run = self.layout.run
        bridges = [
            path.name for path in self.layout.networks.glob("*") if (Path("/sys/class/net") / path.name).exists()
        ]
        left = [f"process {pid}: {_command_of(pid)}" for pid in processes_with(run.name)]
        return [*left, *bridges, *([str(run)] if run.exists() else [])]

    def _end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        try:
            return self.process.wait(STOPPING)
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def _command(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "services.compute.libvirt.environment", "--root", str(self.root), *options]


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "?"


def needs_root() -> str | None:
    """Why tests with real guests cannot run here; None when they can."""
    return None if os.geteuid() == 0 else "needs root"
