"""What a region has from its first start on: two projects and users, three flavors, an image and a network.

Every start goes through it, and adds only what is missing: a first start that was cut short is finished by the next.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from uuid import UUID

import anyio.to_thread

from domain.aggregate import Aggregate
from domain.flavor import create_flavor
from domain.identity.name import take_name
from domain.identity.project import Project, create_project
from domain.identity.role import grant
from domain.identity.user import User, create_user, password_changed
from domain.image.image import Image, ImageStatus, create_image
from domain.image.upload import uploaded
from domain.network.network import create_network
from journal.authority import Source
from journal.bus import Bus
from journal.envelope import Author
from journal.errors import AppendConflict
from journal.repository import Repository
from journal.secrets import Secrets
from services.api.identity.passwords import HASHER
from services.cli.clouds import USERS, new_passwords, passwords, write_clouds
from services.cli.log.missing_images import WITH_BYTES
from services.cli.region import Region
from services.cli.terminal import say

AUTHOR = Author(actor="service:chronova", source=Source.FIRST_START)
FLAVORS = (("1", "tiny", 1, 128, 1), ("2", "small", 1, 512, 5), ("3", "medium", 2, 2048, 10))
SIMULATED_NETWORK = "10.128.0.0/12"  # no guest is ever on it, and scale tests need many addresses
BLANK_SIZE = 1 << 20  # bytes
NETWORKS = [f"10.80.{number}.0/24" for number in range(256)]
"""Where the network `private` may lie: the first of these that this machine does not use."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an image's bytes once they are in the store."""

    size: int  # bytes
    virtual_size: int  # bytes
    checksum: str  # SHA-512, hex
    checksum_md5: str


class Seed:
    """Gives a region what it has from its first start on."""

    def __init__(self, region: Region, client: Bus, repository: Repository, guest_image: Path | None) -> None:
        self._region = region
        self._repository = repository
        self._secrets = Secrets(client)
        self._guest_image = guest_image

    async def sow(self) -> None:
        """Add what is missing. Raises LogUnavailable, OSError."""
        if not self._region.keystone_url:
            await self._identity()
        for flavor_id, name, vcpus, ram, disk in FLAVORS:
            await self._once(create_flavor(flavor_id, name=name, vcpus=vcpus, ram=ram, disk=disk, at=now()))
        await self._image()
        await self._network()

    async def _once(self, aggregate: Aggregate) -> bool:
        """Append an aggregate that is missing; whether it was."""
        try:
            await self._repository.create(aggregate, AUTHOR)
        except AppendConflict:
            return False
        return True

    async def _identity(self) -> None:
        path = self._region.clouds_yaml
        known = await anyio.to_thread.run_sync(passwords, path)
        new = new_passwords(known)
        for cloud, (user_name, project_name) in USERS.items():
            project_id, user_id = (
                self.project_id(project_name),
                self._region.derived_id(f"user {user_name}").replace("-", ""),
            )
            await self._once(create_project(project_id, name=project_name, at=now()))
            is_new = await self._once(create_user(user_id, name=user_name, at=now()))
            await self._name(Project, "project", project_id)
            await self._name(User, "user", user_id)
            role = "admin" if user_name == "admin" else "member"
            decide = partial(_first_grant, project_id=project_id, role=role, at=now())
            await self._repository.execute(User, user_id, decide, AUTHOR)
            if await self._password(user_id, known.get(cloud), new.get(cloud)) and not is_new:
                say(f"The user {user_name} has a new password: it is in {path}.")
        await anyio.to_thread.run_sync(write_clouds, path, self._region.api_url, {**known, **new})

    async def _name(self, kind: type[Project | User], scope: str, holder: str) -> None:
        """Take the name that a project or user has now; nothing for a deleted one."""
        named = (await self._repository.load(kind, holder)).aggregate
        if not named.is_deleted:
            await self._once(take_name(scope, named.name, holder=holder, at=now()))

    async def _password(self, user_id: str, known: str | None, new: str | None) -> bool:
        """Set a new password; one that stands in clouds.yaml only where there is none: it may have been changed since.

        Returns whether it was set.
        """
        if (await self._repository.load(User, user_id)).aggregate.is_deleted:
            return False
        kept = await self._secrets.get(f"user.{user_id}")
        if kept is not None and new is None:
            return False
        hashed = await anyio.to_thread.run_sync(HASHER.hash, new or known or "")
        await self._secrets.put(f"user.{user_id}", hashed.encode())
        if kept is not None:  # tokens that were given for the one before end
            await self._repository.execute(User, user_id, partial(password_changed, at=now()), AUTHOR)
        return True

    def project_id(self, name: str) -> str:
        """The id of one of the first projects."""
        return self._region.derived_id(f"project {name}").replace("-", "")

    async def _image(self) -> None:
        image_id = self._region.derived_id("image tiny")
        source = self._guest_image
        disk_format = "raw" if source is None else "qcow2"
        await self._once(
            create_image(
                image_id,
                project_id=self.project_id("admin"),
                name="tiny",
                disk_format=disk_format,
                visibility="public",
                min_ram=96,
                properties={"os_distro": "chronova-tiny"}
                if source
                else {"description": "A blank disk: guests are simulated."},
                at=now(),
            )
        )
        image = (await self._repository.load(Image, image_id)).aggregate
        path = self._region.images / image_id
        if image.status in WITH_BYTES and not await anyio.Path(path).exists():
            await self._bring_back(image, path)
        if image.status is not ImageStatus.QUEUED:
            return
        if image.disk_format != disk_format:
            raise ValueError(
                "The image tiny was announced in another format: start with the guest image, or with another --data."
            )
        stored = await anyio.to_thread.run_sync(_store, source, path, None)
        await self._repository.execute(
            Image,
            image_id,
            lambda it: uploaded(
                it,
                size=stored.size,
                virtual_size=stored.virtual_size,
                checksum=stored.checksum,
                checksum_md5=stored.checksum_md5,
                at=now(),
            ),
            AUTHOR,
        )

    async def _bring_back(self, image: Image, path: Path) -> None:
        """Put the image's bytes into the store again, when this machine has the same: a region may have been built from its log."""
        stored = await anyio.to_thread.run_sync(_store, self._guest_image, path, image.checksum)
        if stored.checksum == image.checksum:
            say("The bytes of the image tiny are in the image store again.")
        else:
            say(
                f"The bytes of the image tiny are not in the image store: copy the file {path.name} into {path.parent}."
            )

    async def _network(self) -> None:
        simulated = self._region.is_simulated
        # Each region begins elsewhere, so that two of one machine do not meet when one is down while the other chooses.
        first = UUID(self._region.id).int % len(NETWORKS)
        candidates = NETWORKS[first:] + NETWORKS[:first]
        cidr = SIMULATED_NETWORK if simulated else await anyio.to_thread.run_sync(free_network, candidates)
        await self._once(
            create_network(
                self._region.derived_id("network private"),
                project_id=self.project_id("admin"),
                name="private",
                cidr=cidr,
                subnet_id=self._region.derived_id("subnet private"),
                shared=True,
                at=now(),
            )
        )


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def _first_grant(user: User, *, project_id: str, role: str, at: datetime) -> None:
    """Grant a new user its first role; nothing to one to whom anything has happened: that may have been taken away on purpose."""
    if user.version == 1:
        grant(user, project_id=project_id, role=role, at=at)


def _store(source: Path | None, path: Path, checksum_wanted: str | None) -> "Stored":
    """Put the image's bytes into the store, unless others are wanted, and say what they are."""
    part = path.with_name(path.name + ".part")
    if source is None:
        part.write_bytes(bytes(BLANK_SIZE))
        virtual_size = BLANK_SIZE
    else:
        shutil.copyfile(source, part)
        with part.open("rb") as file:
            virtual_size = int.from_bytes(file.read(32)[24:32])  # qcow2 header: size in bytes, big-endian
    with part.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha512").hexdigest()
        file.seek(0)
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        os.fsync(file.fileno())
    size = part.stat().st_size
    if checksum_wanted in {None, checksum}:
        part.replace(path)
    else:
        part.unlink()
    return Stored(size, virtual_size, checksum, md5)


def free_network(candidates: Sequence[str]) -> str:
    """The first subnet that no route of this machine reaches; the first of all when routes cannot be read."""
    used = []
    try:
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            fields = line.split()
            address, mask = (int.from_bytes(bytes.fromhex(fields[index]), "little") for index in (1, 7))
            if mask:
                used.append(IPv4Network((address, mask.bit_count())))
    except (OSError, ValueError, IndexError):
        return candidates[0]
    for candidate in candidates:
        if not any(IPv4Network(candidate).overlaps(network) for network in used):
            return candidate
    return candidates[0]
