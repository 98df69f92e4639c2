"""Availability: an image can be taken out of use for a time, as while it is examined."""

from datetime import datetime
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import Conflict
from domain.image.image import Image, ImageStatus, require_living


class ImageDeactivated(Event):
    """Nobody but administrators may fetch its bytes, and nothing is made from it any more."""

    TOPIC: ClassVar[str] = "chronova.image.deactivated.v1"

    def apply(self, aggregate: Image) -> None:
        """It is out of use."""
        aggregate.status = ImageStatus.DEACTIVATED


class ImageReactivated(Event):
    """It can be used again."""

    TOPIC: ClassVar[str] = "chronova.image.reactivated.v1"

    def apply(self, aggregate: Image) -> None:
        """It is in use."""
        aggregate.status = ImageStatus.ACTIVE


def deactivate(image: Image, *, at: datetime) -> None:
    """Take it out of use; nothing when it is. Raises NotFound when it is deleted, Conflict when it has no bytes."""
    _require_bytes(image, "deactivated")
    if image.status is ImageStatus.ACTIVE:
        image.record(ImageDeactivated, at=at)


def reactivate(image: Image, *, at: datetime) -> None:
    """Let it be used again; nothing when it is in use. Raises NotFound when it is deleted, Conflict when it has no bytes."""
    _require_bytes(image, "active")
    if image.status is ImageStatus.DEACTIVATED:
        image.record(ImageReactivated, at=at)


def _require_bytes(image: Image, wanted: str) -> None:
    require_living(image)
    if image.status is ImageStatus.QUEUED:
        raise Conflict(f"Image status transition from {image.status} to {wanted} is not allowed")
