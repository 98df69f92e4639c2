"""The keys to a log: each in a file of its own, below one directory."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the seeds lie of those who may use a log."""

    directory: Path

    @property
    def control(self) -> Path:
        """The control plane's."""
        return self.directory / "control.nk"

    @property
    def system(self) -> Path:
        """The operator's, for questions to the servers of a cluster."""
        return self.directory / "system.nk"

    def host(self, name: str) -> Path:
        """A host's: all that its agent needs to connect."""
        return self.directory / f"host-{name}.nk"
