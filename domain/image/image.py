"""The image: a disk to boot from. The log holds what is known of it; its bytes lie in the image store."""

from datetime import datetime
from enum import StrEnum
from inspect import get_annotations
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict, Invalid, NotFound

DISK_FORMATS = ("raw", "qcow2")


class ImageStatus(StrEnum):
    """Where an image stands. Values are Glance's."""

    QUEUED = "queued"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"


class Image(Aggregate):
    """A disk image of a project."""

    TOPIC: ClassVar[str] = "chronova.image"
    KIND: ClassVar[str] = "image"

    project_id: str
    name: str | None
    disk_format: str
    container_format: str
    visibility: str  # public | private | shared | community
    min_disk: int  # GiB
    min_ram: int  # MiB
    protected: bool
    properties: dict[str, str]
    tags: list[str]

    def __init__(self) -> None:
        self.status = ImageStatus.QUEUED
        self.size: int | None = None
        self.virtual_size: int | None = None
        self.checksum_md5: str | None = None
        self.checksum: str | None = None
        self.hidden = False
        self.members: dict[str, dict[str, str]] = {}  # project id → status, created_at, updated_at (RFC 3339)

    @property
    def is_deleted(self) -> bool:
        """Whether it is gone for ever."""
        return self.status is ImageStatus.DELETED


class ImageCreated(Created):
    """An image is announced; its bytes are still to come."""

    TOPIC: ClassVar[str] = "chronova.image.created.v1"

    project_id: str
    name: str | None
    disk_format: str
    container_format: str
    visibility: str
    min_disk: int
    min_ram: int
    protected: bool
    properties: dict[str, str]
    tags: list[str]

    def apply(self, aggregate: Image) -> None:
        """It is known."""
        for name in IMAGE_PARTS:
            setattr(aggregate, name, getattr(self, name))


IMAGE_PARTS = tuple(name for name in get_annotations(ImageCreated) if name != "TOPIC")


class ImageDeleted(Event):
    """It is gone; instances that were made from it go on."""

    TOPIC: ClassVar[str] = "chronova.image.deleted.v1"

    def apply(self, aggregate: Image) -> None:
        """It is gone."""
        aggregate.status = ImageStatus.DELETED


def require_usable(disk_format: str) -> None:
    """Pass a disk format that hosts can use. Raises Invalid."""
    if disk_format not in DISK_FORMATS:
        raise Invalid(f"Invalid disk format '{disk_format}' for image. Supported: {', '.join(DISK_FORMATS)}.")


def create_image(
    image_id: str,
    *,
    project_id: str,
    at: datetime,
    name: str | None = None,
    disk_format: str = "qcow2",
    container_format: str = "bare",
    visibility: str = "shared",
    min_disk: int = 0,
    min_ram: int = 0,
    protected: bool = False,
    properties: dict[str, str] | None = None,
    tags: list[str] | None = None,
) -> Image:
    """A new image, without bytes yet. Raises Invalid for a disk format that no host can use."""
    require_usable(disk_format)
    return Image.begin(
        ImageCreated,
        aggregate_id=image_id,
        at=at,
        project_id=project_id,
        name=name,
        disk_format=disk_format,
        container_format=container_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        protected=protected,
        properties=properties or {},
        tags=tags or [],
    )


def require_living(image: Image) -> None:
    """Pass unless it is deleted. Raises NotFound."""
    if image.is_deleted:
        raise NotFound(f"No image found with ID {image.id}")


def delete_image(image: Image, *, at: datetime) -> None:
    """Delete it; nothing when it is gone. Raises Conflict when it is protected."""
    if image.protected:
        raise Conflict(f"Image {image.id} is protected and cannot be deleted.")
    if not image.is_deleted:
        image.record(ImageDeleted, at=at)


def discard_image(image: Image, *, at: datetime) -> None:
    """Delete an image that still waits for its bytes, and that nobody will send any; nothing when it has them or is gone."""
    if image.status is ImageStatus.QUEUED:
        image.record(ImageDeleted, at=at)
