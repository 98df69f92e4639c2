"""The embedded log: the configuration and the command of a nats-server of our own, for a region without a cluster."""

from collections.abc import Sequence
from pathlib import Path

from journal.accounts import accounts_config, ensure_key, write_private
from journal.keys import Keys
from journal.server import SYNC_ALWAYS, server_command, server_config


class EmbeddedLog:
    """A single nats-server on loopback, with everything it needs below one directory."""

    replicas = 1

    def __init__(self, directory: Path, *, port: int) -> None:
        self.directory = directory
        self.port = port
        self.keys = Keys(directory / "keys")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def urls(self) -> tuple[str, ...]:
        """The same, in the form that a log of several servers has."""
        return (self.url,)

    @property
    def control_seed(self) -> Path:
        """The control plane's key."""
        return self.keys.control

    def host_seed(self, host: str) -> Path:
        """A host's key: all that its agent needs to connect."""
        return self.keys.host(host)

    def configure(self, hosts: Sequence[str], *, sync_interval: str = SYNC_ALWAYS) -> Path:
        """Write keys that are missing, and the configuration; returns its path. The server is to be told when it runs.

        With any other `sync_interval`, what was acknowledged may be lost in a power cut: for what can be done again.
        """
        keys = {host: ensure_key(self.host_seed(host)) for host in hosts}
        config = self.directory / "nats-server.conf"
        content = server_config(
            name="chronova",
            address="127.0.0.1",
            port=self.port,
            store=self.directory / "jetstream",
            sync_interval=sync_interval,
            accounts=accounts_config(ensure_key(self.control_seed), keys),
        )
        write_private(config, content.encode())
        return config

    def command(self) -> list[str]:
        """The command that runs the server. Raises NoServer."""
        return server_command(self.directory / "nats-server.conf")
