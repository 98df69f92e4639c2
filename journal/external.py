"""The external log: a nats-server, or a cluster of them, that its operator runs."""

from dataclasses import dataclass
from pathlib import Path

from journal.keys import Keys


@dataclass(frozen=True, slots=True)
class ExternalLog:
    """Where it answers, the keys to it, and how many copies are kept of what it is given."""

    urls: tuple[str, ...]
    keys: Keys
    replicas: int

    @property
    def control_seed(self) -> Path:
        """The control plane's key."""
        return self.keys.control

    def host_seed(self, host: str) -> Path:
        """A host's key: all that its agent needs to connect."""
        return self.keys.host(host)
