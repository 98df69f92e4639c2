"""Change: what an image is called, who sees it, what it needs and what is noted of it can be changed; its bytes never."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Event
from domain.errors import Conflict, Invalid, NotFound
from domain.image.image import Image, ImageStatus, require_living, require_usable

CHANGEABLE = frozenset(
    {
        "project_id",
        "name",
        "visibility",
        "protected",
        "min_disk",
        "min_ram",
        "properties",
        "tags",
        "hidden",
        "disk_format",
    }
    | {"container_format"}
)
OF_THE_BYTES = ("disk_format", "container_format")
"""What says how the bytes are to be read: fixed once they have come."""


class FormatFixed(Conflict):
    """The bytes have come, and are read as they were announced."""


class ImageChanged(Event):
    """Some of what is known of the image is different now; `changes` has the new values of those parts alone."""

    TOPIC: ClassVar[str] = "chronova.image.changed.v1"

    changes: dict[str, Any]

    def apply(self, aggregate: Image) -> None:
        """It is as it was changed."""
        for name, value in self.changes.items():
            setattr(aggregate, name, value)


def change_image(image: Image, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Give parts of it other values; nothing when they have them.

    Raises NotFound when it is deleted, Invalid for a part that cannot be changed or a format that no host can use,
    FormatFixed for a format once the bytes have come.
    """
    require_living(image)
    if unknown := sorted(changes.keys() - CHANGEABLE):
        raise Invalid(f"Attribute '{unknown[0]}' of an image cannot be changed.")
    differing = {name: value for name, value in changes.items() if getattr(image, name) != value}
    for name in OF_THE_BYTES:
        if name in differing and image.status is not ImageStatus.QUEUED:
            raise FormatFixed(f"Attribute {name} can be only replaced for a queued image.")
    require_usable(differing.get("disk_format", image.disk_format))
    if differing:
        image.record(ImageChanged, changes=differing, at=at)


def tag_image(image: Image, tag: str, *, at: datetime) -> None:
    """Give it a tag; nothing when it has it. Raises NotFound when it is deleted."""
    require_living(image)
    if tag not in image.tags:
        change_image(image, {"tags": [*image.tags, tag]}, at=at)


def untag_image(image: Image, tag: str, *, at: datetime) -> None:
    """Take a tag from it. Raises NotFound when it is deleted, or has no such tag."""
    require_living(image)
    if tag not in image.tags:
        raise NotFound(f"Image {image.id} has no tag {tag}.")
    change_image(image, {"tags": [each for each in image.tags if each != tag]}, at=at)
