"""The event log that a command is told to use: one that its operator runs, instead of the region's own."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from journal.keys import Keys
from services.cli.region import REPLICAS, Region, RegionError

ENOUGH_FOR_COPIES = 3
"""Servers: of so many, each keeps a copy when nothing else is said."""


@dataclass(frozen=True, slots=True)
class NamedLog:
    """What was named; None: as before, or the default."""

    urls: tuple[str, ...] | None = None
    keys: Path | None = None
    replicas: int | None = None

    def in_region(self, region: Region, *, is_new: bool = False) -> Region:
        """The region with this log. Raises RegionError when it cannot have it."""
        if self == NamedLog():
            return region
        if not is_new and not region.nats_urls:
            raise RegionError(
                f"The region in {region.data} has an event log of its own: start one on a cluster with another --data."
            )
        replicas = self.replicas
        if is_new and replicas is None and len(self.urls or ()) >= ENOUGH_FOR_COPIES:
            replicas = ENOUGH_FOR_COPIES
        keys = None if self.keys is None else str(self.keys.absolute())
        changed = region.with_settings(nats_urls=self.urls, nats_keys=keys, replicas=replicas)
        try:
            changed.require_sound()
        except ValueError as error:
            raise RegionError(f"The event log cannot be used: {error}.") from None
        return changed

    def arguments(self) -> list[str]:
        """The same, for another command line."""
        named = {
            "--nats-url": None if self.urls is None else ",".join(self.urls),
            "--nats-keys": self.keys,
            "--replicas": self.replicas,
        }
        return [part for option, value in named.items() if value is not None for part in (option, str(value))]


def require_keys(region: Region) -> None:
    """Raises RegionError when a key to the region's log is missing: one that others run is not given new ones here."""
    if region.embedded_log is not None:
        return
    keys = Keys(Path(region.nats_keys))
    for whose, path in [
        ("the control plane", keys.control),
        *((f"host {name}", keys.host(name)) for name in region.hosts),
    ]:
        if not path.exists():
            raise RegionError(f"There is no key of {whose} at {path}: `chronova log cluster-config` makes it.")


def log_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command be told which event log to use; it is given as `log`."""

    @click.option(
        "--nats-url",
        metavar="URL[,URL...]",
        help="The event log's servers, where they are not the region's own: a cluster that you run.",
    )
    @click.option(
        "--nats-keys",
        type=click.Path(file_okay=False, path_type=Path),
        help="The directory with the keys to it, as `chronova log cluster-config` makes it.",
    )
    @click.option(
        "--replicas",
        type=click.Choice([str(number) for number in REPLICAS]),
        help="How many servers keep a copy.  [default: 3 where three servers or more are named, else 1]",
    )
    @functools.wraps(command)
    def with_log(*, nats_url: str | None, nats_keys: Path | None, replicas: str | None, **others: Any) -> None:
        urls = None if nats_url is None else tuple(url.strip() for url in nats_url.split(","))
        command(log=NamedLog(urls, nats_keys, None if replicas is None else int(replicas)), **others)

    return with_log
