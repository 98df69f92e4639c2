"""The upload: an image's bytes have come, whole, and it can be booted from."""

from datetime import datetime
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import Conflict
from domain.image.image import Image, ImageStatus


class ImageUploaded(Event):
    """Its bytes are in the store, whole and of the format that was claimed."""

    TOPIC: ClassVar[str] = "chronova.image.uploaded.v1"

    size: int  # bytes
    virtual_size: int  # bytes, of the disk that the guest sees
    checksum: str  # SHA-512, hex
    checksum_md5: str  # for clients that compare it; proves nothing

    def apply(self, aggregate: Image) -> None:
        """It can be booted from."""
        aggregate.status = ImageStatus.ACTIVE
        aggregate.size, aggregate.virtual_size = self.size, self.virtual_size
        aggregate.checksum, aggregate.checksum_md5 = self.checksum, self.checksum_md5


def require_queued(image: Image) -> None:
    """Pass when the image still waits for its bytes. Raises Conflict."""
    if image.status is not ImageStatus.QUEUED:
        raise Conflict(f"Image status transition from {image.status} to saving is not allowed")


def uploaded(image: Image, *, size: int, virtual_size: int, checksum: str, checksum_md5: str, at: datetime) -> None:
    """Record that the bytes have come. Raises Conflict unless it still waits for them."""
    require_queued(image)
    image.record(
        ImageUploaded, size=size, virtual_size=virtual_size, checksum=checksum, checksum_md5=checksum_md5, at=at
    )
