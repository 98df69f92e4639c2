"""The secret parts of a region that an export holds when it is told to: the SECRETS bucket, and the clients' configuration."""

from collections.abc import AsyncIterator

from journal.accounts import write_private
from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.secrets import Secrets
from services.cli.region import Region

CLOUDS = "clouds.yaml"
"""Stands for the file: its passwords belong to the hashes in the bucket. No key of the bucket is named so."""


async def secret_parts(region: Region, bus: Bus, *, until: int) -> AsyncIterator[tuple[str, bytes]]:
    """All secrets of what is in the log up to a position, by key. Raises LogUnavailable, OSError."""
    if region.clouds_yaml.exists():
        yield CLOUDS, region.clouds_yaml.read_bytes()
    events = DirectGet(bus, "EVENTS")
    async for key, value in Secrets(bus).everything():
        kind, _, rest = key.partition(".")
        owner = await events.first(f"evt.{kind}.{rest.partition('.')[0]}")
        if owner is not None and owner.position <= until:
            yield key, value


async def keep(region: Region, bus: Bus, key: str, value: bytes) -> None:
    """Put a secret part where it belongs. Raises LogUnavailable, OSError."""
    if key == CLOUDS:
        write_private(region.clouds_yaml, value)
    else:
        await Secrets(bus).put(key, value)
