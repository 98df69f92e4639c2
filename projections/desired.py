"""The desired state of instances, as a projection: follows the log and tells each host's agent what its instances should be."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

import orjson
from nats.errors import Error as NatsError

from domain.instance.desired import Desired, Errand, ErrandKind, GuestSpec, ImageSource, Nic, Want
from domain.instance.instance import Instance
from domain.instance.interfaces import DETACHING
from domain.instance.move import part_of
from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import LogUnavailable
from journal.follower import Follower
from journal.positions import Positions
from journal.repository import Repository
from journal.secrets import Secrets
from projections.fold import Folded, Folder
from projections.signed_url import signed

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "desired-state"
SAVE_EVERY = 1.0  # seconds


class DesiredStates:
    """Makes and sends desired states. Used by the projection below, and to send one again that a host says it misses."""

    def __init__(self, client: Bus, *, image_base: str, url_key: bytes, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._secrets = Secrets(client)
        self._image_base = image_base
        self._url_key = url_key
        self._now = now

    async def send(self, instances: Iterable[Instance]) -> None:
        """Put the newest desired state of instances into their hosts' work queues. Raises LogUnavailable."""
        await asyncio.gather(*(self.send_to(host, instance) for instance in instances for host in instance.hosts))

    async def send_to(self, host: str, instance: Instance) -> None:
        """Put the newest desired state of an instance into the work queue of a host that has a part in it.

        Raises LogUnavailable.
        """
        document = orjson.dumps(await self.of(instance, host))
        try:
            answer = await self._client.request(f"work.{host}.{instance.id}", document, timeout=5)
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The desired state of {instance.id} could not be sent: {error!r}") from error
        if "error" in (refusal := orjson.loads(answer.data)):
            raise LogUnavailable(f"The desired state of {instance.id} was refused: {refusal['error']}")

    async def of(self, instance: Instance, host: str) -> Desired:
        """What an instance should be on a host, with its secrets and a URL for its image. Raises LogUnavailable."""
        part = part_of(instance, host)
        errand = instance.errand if part.lives_here else None
        return Desired(
            instance_id=instance.id,
            generation=instance.generation,
            want=part.want,
            restarts=instance.restarts,
            launched=instance.launched_at is not None,
            spec=None if part.want is Want.ABSENT else await self._spec(instance),
            errand=None if errand is None else self._errand(instance.id, errand),
            arrival=part.arrival,
            dumps=instance.dumps if part.lives_here else 0,
        )

    def _errand(self, instance_id: str, errand: Mapping[str, Any]) -> Errand:
        kind = ErrandKind(errand["kind"])
        if kind is not ErrandKind.SNAPSHOT:
            return Errand(kind)
        url = self._url(f"/v1/instances/{instance_id}/images/{errand['image_id']}")
        return Errand(kind, image_id=errand["image_id"], disk_format=errand["disk_format"], url=url)

    def _url(self, path: str) -> str:
        return signed(self._image_base, path, key=self._url_key, now=self._now())

    def _source(self, image: Mapping[str, Any]) -> ImageSource:
        return ImageSource(
            id=image["id"],
            disk_format=image["disk_format"],
            size=image["size"],
            checksum=image["checksum"],
            url=self._url(f"/v1/images/{image['id']}/content"),
        )

    async def _spec(self, instance: Instance) -> GuestSpec:
        user_data = await self._secret(instance, "user_data") if instance.user_data_sha256 else None
        rescued = instance.want is Want.RESCUED and instance.rescue_image is not None
        return GuestSpec(
            id=instance.id,
            name=instance.name,
            hostname=instance.hostname,
            project_id=instance.project_id,
            vcpus=instance.flavor["vcpus"],
            memory_mib=instance.flavor["ram"],
            disk_gib=instance.flavor["disk"],
            image=self._source(instance.shelved_image or instance.image),
            nics=tuple(_nic(nic) for nic in instance.nics if nic.get("state") != DETACHING),
            public_keys={} if instance.key is None else {instance.key["name"]: instance.key["public_key"]},
            metadata=instance.metadata,
            user_data=user_data,
            admin_password=await self._secret(instance, "admin_password"),
            rescue_image=self._source(instance.rescue_image) if rescued and instance.rescue_image else None,
            rescue_password=await self._secret(instance, "rescue_password") if rescued else None,
        )

    async def _secret(self, instance: Instance, what: str) -> str | None:
        secret = await self._secrets.get(f"instance.{instance.id}.{what}")
        return None if secret is None else secret.decode()


def _nic(nic: Mapping[str, Any]) -> Nic:
    return Nic(**{name: nic[name] for name in NIC_PARTS}, dns=tuple(nic["dns"]))


NIC_PARTS = ("port_id", "network_id", "mac", "address", "cidr", "gateway", "mtu")


class DesiredStateProjection:
    """Follows the log and sends what has changed. What it sends twice after a crash does no harm."""

    def __init__(self, client: Bus, states: DesiredStates) -> None:
        self._client = client
        self._states = states
        self._positions = Positions(client)
        self._folder = Folder(Repository(client, cache_size=0))

    async def run(self) -> None:
        """Follow the log for ever."""
        position = await self._positions.get(NAME)
        saved_at = time.monotonic()
        async for batch in Follower(self._client, after=position).batches():
            due = await until_done(partial(self._changed, batch))
            await until_done(partial(self._states.send, due))
            if time.monotonic() - saved_at >= SAVE_EVERY and await self._positions.put(NAME, batch[-1].position):
                saved_at = time.monotonic()

    async def _changed(self, batch: list[Recorded]) -> list[Instance]:
        """The instances whose host has something new to learn, each once. Can be asked again after it has failed."""
        changed: dict[str, Folded] = {}
        for recorded in batch:
            if recorded.kind == Instance.KIND:
                changed[recorded.aggregate_id] = await self._folder.advance(recorded)
        due = []
        for folded in changed.values():
            instance = cast("Instance", folded.aggregate)
            current = (instance.hosts, instance.generation)
            if instance.hosts and not instance.is_deleted and folded.notes.get("sent") != current:
                folded.notes["sent"] = current
                due.append(instance)
        return due


async def until_done(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until the log is there: the position may not pass what was not sent."""
    while True:
        try:
            return await attempt()
        except LogUnavailable as error:
            log.warning("%s", error)
            await asyncio.sleep(0.5)
