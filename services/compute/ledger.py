"""The agent's ledger: which generation of each instance it has brought about.

Without it, a guest that stopped by itself could not be told from one that is still to be started.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Applied:
    """What was brought about for an instance."""

    generation: int
    restarts: int
    session: str  # of the host: guests that ran in an earlier session are started again, not reported as stopped
    error: str | None = None  # why the agent gave up on this generation
    errand: int = 0  # the generation whose errand was done last
    dumps: int = 0  # crash dumps that were triggered so far


class Ledger:
    """One small file an instance. Losing it is safe: guests are then looked at afresh."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def read(self, instance_id: str) -> Applied | None:
        """What is recorded of an instance; None when nothing is, or the record is damaged."""
        try:
            return Applied(**orjson.loads(self._path(instance_id).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, instance_id: str, applied: Applied) -> None:
        """Record it, whole or not at all. Raises OSError."""
        part = self._path(instance_id).with_suffix(".part")
        part.write_bytes(orjson.dumps(asdict(applied)))
        part.replace(self._path(instance_id))

    def forget(self, instance_id: str) -> None:
        """Remove what is recorded of an instance."""
        self._path(instance_id).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in self._directory.glob("*.json"))

    def _path(self, instance_id: str) -> Path:
        return self._directory / f"{instance_id}.json"
