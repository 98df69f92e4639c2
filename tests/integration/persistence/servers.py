"""Plain nats-servers for streams of one's own: a single one, and three that make a cluster."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.conftest import free_port

BINARY = Path(sys.executable).parent / "nats-server"


class PlainServer:
    """A nats-server without accounts that the test owns."""

    def __init__(self, directory: Path, *, name: str = "plain", extra: str = "") -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._config = directory / "nats-server.conf"
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f'server_name: {name}\nhost: 127.0.0.1\nport: {self.port}\njetstream {{ store_dir: "{directory}" }}\n{extra}\n'
        )

    def start(self) -> None:
        self._process = subprocess.Popen(
            [BINARY, "--config", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def until_answering(self) -> None:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                if connection.recv(4) == b"INFO":
                    return
            time.sleep(0.02)
        raise AssertionError("the nats-server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def cluster_of_three(directory: Path) -> list[PlainServer]:
    routes = [free_port() for _ in range(3)]
    urls = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    return [
        PlainServer(
            directory / f"n{number}",
            name=f"n{number}",
            extra=f"cluster {{ name: test, listen: 127.0.0.1:{port}, routes: [{urls}] }}",
        )
        for number, port in enumerate(routes, 1)
    ]
