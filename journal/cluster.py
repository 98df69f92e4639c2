"""A cluster for the log: the keys to it, and for each of its nodes the configuration that an operator runs nats-server with.

Every node keeps a copy of every stream, and an append is acknowledged once most of them have it: so any one node may die. The
nodes talk over routes, which listen on the node's own address and take nobody without the routes' password. Monitoring
answers on loopback only.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from journal.accounts import accounts_config, ensure_key, write_private
from journal.errors import JournalError
from journal.keys import Keys
from journal.server import SYNC_ALWAYS, server_config

FEWEST = 3
"""Nodes: of two, the loss of one would stop the log."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ADDRESS = re.compile(r"[A-Za-z0-9.:-]{1,253}")
PATH = re.compile(r'/[^"\\\x00-\x1f]*')
SYNC_INTERVAL = re.compile(r"always|[1-9][0-9]{0,4}(ms|s|m)")
PORTS = range(1, 65536)


class ClusterError(JournalError):
    """No such cluster can be. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """One server of the cluster, and where it is found: by clients, by the other nodes, and, on its machine, by monitoring."""

    name: str
    address: str
    port: int = 4222
    route_port: int = 6222
    monitor_port: int = 8222

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `NAME=ADDRESS[:PORT[:ROUTE_PORT[:MONITOR_PORT]]]`. Raises ClusterError."""
        name, equals, place = text.partition("=")
        address, *ports = place.split(":")
        try:
            node = cls(name, address, *map(int, ports))
        except (ValueError, TypeError):
            raise ClusterError(f"{text!r} is not NAME=ADDRESS[:PORT[:ROUTE_PORT[:MONITOR_PORT]]].") from None
        if not equals:
            raise ClusterError(f"{text!r} has no name: write NAME=ADDRESS.")
        return node


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where on each node its certificate lies, its key, and the authority that has signed those of all."""

    certificate: str
    key: str
    authority: str

    def block(self) -> str:
        """As the configuration has it."""
        return f'tls {{ cert_file: "{self.certificate}", key_file: "{self.key}", ca_file: "{self.authority}" }}'


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster is made of. Kept in `cluster.json` of its directory, beside the keys and the configurations."""

    directory: Path
    nodes: tuple[Node, ...]
    hosts: tuple[str, ...] = ()
    store: str = "/var/lib/chronova-log"  # on every node
    sync_interval: str = SYNC_ALWAYS
    certificates: Certificates | None = None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def load(cls, directory: Path) -> Self | None:
        """The cluster in a directory; None when there is none. Raises ClusterError when its settings are damaged."""
        path = directory / "cluster.json"
        try:
            document = orjson.loads(path.read_bytes())
            return cls(directory, **_parts(document))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise ClusterError(f"{path} is damaged: {error}. Restore it, or begin in another directory.") from None

    def require_sound(self) -> None:
        """Raises ClusterError for a cluster that cannot run, or would not survive the loss of a node."""
        if len(self.nodes) < FEWEST:
            raise ClusterError("A cluster has three nodes or more: of two, the loss of one would stop the log.")
        taken: set[object] = set()
        for node in self.nodes:
            if not NAME.fullmatch(node.name) or not ADDRESS.fullmatch(node.address):
                raise ClusterError(f"{node.name}={node.address} is not the name and the address of a node.")
            ports = (node.port, node.route_port, node.monitor_port)
            claims = [node.name, *((node.address, port) for port in ports)]
            if len(set(ports)) < len(ports) or any(port not in PORTS for port in ports) or taken.intersection(claims):
                raise ClusterError(f"The node {node.name} needs a name and three ports of its own.")
            taken.update(claims)
        for host in self.hosts:
            if not NAME.fullmatch(host):
                raise ClusterError(f"{host!r} is not the name of a host.")
        paths = [] if self.certificates is None else list(asdict(self.certificates).values())
        for path in (self.store, *paths):
            if not PATH.fullmatch(path):
                raise ClusterError(f"{path!r} is not the whole path of a file: it begins with a slash.")
        if not SYNC_INTERVAL.fullmatch(self.sync_interval):
            raise ClusterError(f"{self.sync_interval!r} is not a sync interval: always, or a time as in 2m.")

    def configure(self) -> None:
        """Write keys that are missing, every node's configuration, and these settings. Raises ClusterError, OSError.

        Servers that run are to be told: they take over hosts and nodes that were added without a restart.
        """
        self.require_sound()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        hosts = {host: ensure_key(self.keys.host(host)) for host in self.hosts}
        accounts = accounts_config(ensure_key(self.keys.control), hosts, system=ensure_key(self.keys.system))
        for node in self.nodes:
            write_private(self.config(node), self._config_of(node, accounts).encode())
        document = {name: value for name, value in asdict(self).items() if name != "directory"}
        write_private(self.directory / "cluster.json", orjson.dumps(document, option=orjson.OPT_INDENT_2))

    @property
    def keys(self) -> Keys:
        """The keys to it."""
        return Keys(self.directory / "keys")

    @property
    def urls(self) -> tuple[str, ...]:
        """Where clients connect."""
        return tuple(map(self.url, self.nodes))

    def url(self, node: Node) -> str:
        """Where clients connect to a node."""
        return f"{'nats' if self.certificates is None else 'tls'}://{node.address}:{node.port}"

    def config(self, node: Node) -> Path:
        """The file that a node's server is run with."""
        return self.directory / f"{node.name}.conf"

    def _config_of(self, node: Node, accounts: str) -> str:
        routes = "\n    ".join(
            f"nats-route://chronova:{self.password}@{other.address}:{other.route_port}" for other in self.nodes
        )
        tls = "" if self.certificates is None else self.certificates.block()
        rest = f"""http: "127.0.0.1:{node.monitor_port}"
lame_duck_duration: 30s
lame_duck_grace_period: 2s
{tls}
cluster {{
  name: chronova
  ping_interval: "3s"
  listen: "{node.address}:{node.route_port}"
  authorization {{ user: chronova, password: "{self.password}", timeout: 2 }}
  {tls}
  routes: [
    {routes}
  ]
}}
"""
        return server_config(
            name=node.name,
            address=node.address,
            port=node.port,
            store=Path(self.store) / node.name,
            accounts=accounts,
            sync_interval=self.sync_interval,
            rest=rest,
        )


def _parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a cluster from its settings. Raises KeyError, TypeError."""
    certificates: Mapping[str, str] | None = document["certificates"]
    nodes: Sequence[Mapping[str, Any]] = document["nodes"]
    return {
        **document,
        "nodes": tuple(Node(**node) for node in nodes),
        "hosts": tuple(document["hosts"]),
        "certificates": None if certificates is None else Certificates(**certificates),
    }
