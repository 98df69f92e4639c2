"""What an application says in its environment: where the log is, and which stream of it is the application's.

Every setting may be given for one application alone, with the application's name in front: `ORDERS_NATS_STREAM`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eventsourcing.utils import Environment, strtobool

from domain.registry import AGGREGATES
from journal.persistence.naming import token

REGION_STREAM = "EVENTS"
"""The stream that the services of a region write: read-only for everybody else."""

DEFAULT_URL = "nats://127.0.0.1:4222"
NAMELESS = "eventsourcing"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one application. Environments that cannot be meant raise OSError, as the library's own factories do."""

    application: str
    servers: tuple[str, ...]
    seed: Path | None  # file of the nkey seed
    events_stream: str
    kind: (
        str  # of the aggregates of a region's log that are asked for; "": all, of which only notifications can be read
    )
    replicas: int
    seconds: float  # that an answer may take
    patience: float  # seconds until an outcome that is not known is left as it is
    create: bool  # streams that are missing

    @classmethod
    def of(cls, env: Environment) -> Self:
        """Read an environment. Raises OSError."""
        application = env.name or NAMELESS
        seed = env.get("NATS_SEED", "").strip()
        stream = env.get("NATS_STREAM", "").strip()
        if stream and token(stream) != stream:
            raise OSError(f"NATS_STREAM '{stream}' is no name of a stream: letters, digits, '-' and '_' are.")
        stream = stream or f"{token(application)}_events"
        return cls(
            application=application,
            servers=_servers(env.get("NATS_URL", "").strip() or DEFAULT_URL),
            seed=_seed(seed) if seed else None,
            events_stream=stream,
            kind=_kind(env.get("NATS_AGGREGATE", "").strip()) if stream == REGION_STREAM else "",
            replicas=int(_number(env, "NATS_REPLICAS", 1)),
            seconds=_number(env, "NATS_TIMEOUT", 3.0),
            patience=_number(env, "NATS_PATIENCE", 10.0),
            create=bool(strtobool(env.get("CREATE_TABLE", "") or "yes")),
        )

    @property
    def is_region(self) -> bool:
        """Whether it is the log of a region that is opened."""
        return self.events_stream == REGION_STREAM

    def stream_for(self, purpose: str) -> str:
        """The stream of what is recorded for a purpose: events, snapshots, tracking."""
        return self.events_stream if purpose == "events" else f"{token(self.application)}_{token(purpose)}"


def _kind(kind: str) -> str:
    if kind and kind not in AGGREGATES:
        raise OSError(f"NATS_AGGREGATE is '{kind}', which is none of {', '.join(sorted(AGGREGATES))}.")
    return kind


def _servers(urls: str) -> tuple[str, ...]:
    servers = tuple(url.strip() for url in urls.split(",") if url.strip())
    if not servers:
        raise OSError("NATS_URL names no server: nats://host:4222, several with commas between.")
    return servers


def _seed(path: str) -> Path:
    seed = Path(path).expanduser()
    if not seed.is_file():
        raise OSError(f"NATS_SEED: there is no file {seed}.")
    return seed


def _number(env: Environment, key: str, default: float) -> float:
    text = env.get(key, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = 0
    if number <= 0:
        raise OSError(f"{key} is '{text}': a number above zero is expected.")
    return number
