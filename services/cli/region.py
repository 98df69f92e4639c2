"""A region on this machine: its directory, its settings, and where everything in it lies."""

import os
import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4, uuid5

import orjson

from domain.errors import DomainError
from domain.host.host import require_host_name
from journal.accounts import write_private
from journal.embedded import EmbeddedLog
from journal.external import ExternalLog
from journal.keys import Keys

IMPORTING = "import.json"
"""Lies in a directory as long as a region is being imported into it: names the file, and has the settings."""
OWN_BEFORE_SETTINGS = frozenset({"lock", "logs", "run", IMPORTING})
"""What a start or an import makes before it keeps the settings."""
TOKEN_SECONDS = (60, 7 * 24 * 3600)
"""The shortest and the longest that a token may live."""
REPLICAS = (1, 3, 5)
URL = re.compile(r"(nats|tls)://([^\s:@/\[\]]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?")
HYPERVISORS = ("auto", "kvm", "qemu", "simulated")


class RegionError(Exception):
    """The region cannot be run so. The message says what to do."""


def default_data() -> Path:
    """Where a region lives when nothing else is said (XDG base directory specification)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "chronova"


def make_directory(data: Path) -> None:
    """Make a region's directory, for its owner alone. Raises RegionError when it is in use for something else, OSError."""
    if data.exists() and not (data / "region.json").exists():
        others = sorted(path.name for path in data.iterdir() if path.name not in OWN_BEFORE_SETTINGS)
        if others:
            raise RegionError(f"{data} is not empty and is no region ({others[0]} is in it): name another with --data.")
    made = not data.exists() or not any(data.iterdir())
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if made:
        data.chmod(0o700)


def require_whole(data: Path) -> None:
    """Raises RegionError when a region is being imported into a directory, or the import was cut short."""
    try:
        file = orjson.loads((data / IMPORTING).read_bytes())["file"]
    except (FileNotFoundError, NotADirectoryError):
        return
    except (ValueError, TypeError, KeyError):
        file = "FILE"
    raise RegionError(
        f"The region in {data} is not whole yet: an import goes on, or goes on with "
        f"`chronova log import {file} --data {data}`."
    )


def require_log(urls: Sequence[str], keys: str, replicas: int) -> None:
    """Raises ValueError for settings of an event log that cannot be."""
    for url in urls:
        if not URL.fullmatch(url):
            raise ValueError(f"{url!r} is not the URL of a nats-server, as in nats://10.0.0.1:4222")
    if bool(urls) != bool(keys):
        raise ValueError("an event log that others run has URLs and a directory of keys")
    if replicas not in REPLICAS or (replicas > 1 and not urls):
        raise ValueError(f"{replicas!r} is not a number of copies: 1, or 3 or 5 on a cluster")


def this_host() -> str:
    """This machine's short name, in the form that hosts have."""
    short = socket.gethostname().split(".")[0]
    kept = "".join(char if char.isalnum() or char in "-_" else "-" for char in short).strip("-_")
    return require_host_name(kept or "localhost")


def existing(data: Path) -> "Region":
    """The region in a directory. Raises RegionError when there is none."""
    region = Region.load(data)
    if region is None:
        raise RegionError(f"There is no region in {data}. Start one with `chronova up`.")
    return region


@dataclass(frozen=True, slots=True)
class Region:
    """The settings that a region keeps from its first start on, unless told otherwise."""

    data: Path
    id: str = field(default_factory=lambda: str(uuid4()))
    api_port: int = 8774
    nats_port: int = 4222
    hypervisor: str = "auto"  # as asked for
    accelerator: str = ""  # as found: kvm | qemu, "" where the hypervisor is simulated
    hosts: tuple[str, ...] = ()
    token_seconds: int = 12 * 3600  # how long a token lives
    keystone_url: str = ""  # of an existing Keystone, which knows users and tokens; "" where identity is ours
    nats_urls: tuple[str, ...] = ()  # of a log that somebody else runs; none: it is embedded
    nats_keys: str = ""  # the directory with the keys to it
    replicas: int = 1  # copies of what is given to it
    session: str = ""  # of the host: new whenever the region is started

    @classmethod
    def load(cls, data: Path) -> Self | None:
        """The region in a directory; None when there is none. Raises RegionError when it is damaged or not whole."""
        require_whole(data)
        try:
            document = orjson.loads((data / "region.json").read_bytes())
            region = cls.from_settings(data, document)
            region.require_sound()
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise RegionError(f"{data} is not a directory.") from None
        except (ValueError, TypeError, KeyError, DomainError) as error:
            raise RegionError(
                f"{data / 'region.json'} is damaged: {error}. Restore it, or start with another --data."
            ) from None
        return region

    @classmethod
    def from_settings(cls, data: Path, settings: Mapping[str, Any]) -> Self:
        """A region with settings that were kept. Raises KeyError, TypeError for those of no region."""
        lists = {name: tuple(settings[name]) for name in {"hosts", *settings} & {"hosts", "nats_urls"}}
        return cls(data=data, **{**settings, **lists})

    def save(self) -> None:
        """Keep the settings. Raises RegionError when the directory cannot be written."""
        document = {name: value for name, value in asdict(self).items() if name != "data"}
        try:
            make_directory(self.data)
            for directory in (self.logs, self.run, self.images):
                directory.mkdir(exist_ok=True)
            write_private(self.data / "region.json", orjson.dumps(document, option=orjson.OPT_INDENT_2))
        except OSError as error:
            raise RegionError(f"{self.data} cannot be written: {error.strerror}.") from error

    def require_sound(self) -> None:
        """Raises ValueError, TypeError or Invalid for settings that nothing can run with."""
        for port in (self.api_port, self.nats_port):
            if type(port) is not int or not 0 < port < 65536:  # noqa: PLR2004 -- TCP's own limit
                raise ValueError(f"{port!r} is not a port")
        UUID(self.id)
        if self.keystone_url and not self.keystone_url.startswith(("http://", "https://")):
            raise ValueError(f"{self.keystone_url!r} is not the URL of a Keystone")
        for host in self.hosts:
            require_host_name(host)
        if type(self.token_seconds) is not int or not TOKEN_SECONDS[0] <= self.token_seconds <= TOKEN_SECONDS[1]:
            raise ValueError(
                f"{self.token_seconds!r} is not a token's lifetime, {TOKEN_SECONDS[0]} to {TOKEN_SECONDS[1]} s"
            )
        if self.hypervisor not in HYPERVISORS:
            raise ValueError(f"{self.hypervisor!r} is not a hypervisor")
        require_log(self.nats_urls, self.nats_keys, self.replicas)

    def with_settings(self, **changes: object) -> "Region":
        """The same region with other settings; those that are None stay."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]

    def derived_id(self, what: str) -> str:
        """An id that is the same at every start: of what a region has from its first start on."""
        return str(uuid5(UUID(self.id), what))

    def key(self, name: str) -> bytes:
        """A secret key of the region, made when it is first asked for."""
        path = self.data / "keys" / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            write_private(path, secrets.token_bytes(32))
        return path.read_bytes()

    @property
    def log(self) -> EmbeddedLog | ExternalLog:
        """The region's event log."""
        return self.embedded_log or ExternalLog(self.nats_urls, Keys(Path(self.nats_keys)), self.replicas)

    @property
    def embedded_log(self) -> EmbeddedLog | None:
        """The log that the region runs itself; None when it is given one."""
        return None if self.nats_urls else EmbeddedLog(self.data / "nats", port=self.nats_port)

    @property
    def keystone_login(self) -> Path:
        """How this region logs in to its Keystone: the body of a request for a token."""
        return self.data / "keys" / "keystone-login.json"

    @property
    def token_lifetime(self) -> timedelta:
        """How long a token lives."""
        return timedelta(seconds=self.token_seconds)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def read_model(self) -> Path:
        """The read model's file."""
        return self.data / "read-model.sqlite"

    @property
    def images(self) -> Path:
        """The image store."""
        return self.data / "images"

    @property
    def logs(self) -> Path:
        """Where services write what they do."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Where running processes leave their pids."""
        return self.data / "run"

    @property
    def clouds_yaml(self) -> Path:
        """The clients' configuration, with passwords."""
        return self.data / "clouds.yaml"

    def host_directory(self, host: str) -> Path:
        """All that a host's agent and hypervisor keep."""
        return self.data / "hosts" / host

    @property
    def is_simulated(self) -> bool:
        """Whether its guests exist in name only."""
        return self.hypervisor == "simulated"
