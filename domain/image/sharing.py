"""Sharing: a shared image has members, other projects that may use it. Each says for itself whether it lists the image."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import Conflict, Invalid, NotFound
from domain.image.image import Image, require_living


class MemberStatus(StrEnum):
    """What a member said. All may use the image; it is in the lists of those who have accepted it. Values are Glance's."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ImageMemberAdded(Event):
    """A project may use the image from now on."""

    TOPIC: ClassVar[str] = "chronova.image.member-added.v1"

    member_id: str

    def apply(self, aggregate: Image) -> None:
        """It has not said yet what it thinks of it."""
        moment = self.timestamp.isoformat()
        aggregate.members[self.member_id] = {
            "status": MemberStatus.PENDING.value,
            "created_at": moment,
            "updated_at": moment,
        }


class ImageMemberAnswered(Event):
    """A member said whether it wants to see the image among its own."""

    TOPIC: ClassVar[str] = "chronova.image.member-answered.v1"

    member_id: str
    status: str

    def apply(self, aggregate: Image) -> None:
        """It is listed, or not."""
        member = aggregate.members[self.member_id]
        aggregate.members[self.member_id] = {
            **member,
            "status": self.status,
            "updated_at": self.timestamp.isoformat(),
        }


class ImageMemberRemoved(Event):
    """A project may no longer use the image; instances that it made from it go on."""

    TOPIC: ClassVar[str] = "chronova.image.member-removed.v1"

    member_id: str

    def apply(self, aggregate: Image) -> None:
        """It is no member."""
        del aggregate.members[self.member_id]


def share_with(image: Image, member_id: str, *, at: datetime) -> None:
    """Let a project use it. Raises NotFound when it is deleted, Invalid unless it is shared, Conflict for a member."""
    require_living(image)
    if image.visibility != "shared":
        raise Invalid("Only shared images have members.")
    if member_id in image.members:
        raise Conflict(f"Duplicate member '{member_id}' found for image '{image.id}'")
    image.record(ImageMemberAdded, member_id=member_id, at=at)


def answer_sharing(image: Image, member_id: str, status: MemberStatus, *, at: datetime) -> None:
    """Record what a member says; nothing when it says it again. Raises NotFound when it is none."""
    require_member(image, member_id)
    if image.members[member_id]["status"] != status:
        image.record(ImageMemberAnswered, member_id=member_id, status=status.value, at=at)


def stop_sharing(image: Image, member_id: str, *, at: datetime) -> None:
    """Let a project use it no longer. Raises NotFound when it is no member."""
    require_member(image, member_id)
    image.record(ImageMemberRemoved, member_id=member_id, at=at)


def require_member(image: Image, member_id: str) -> None:
    """Pass when a project is a member of a living image. Raises NotFound."""
    require_living(image)
    if member_id not in image.members:
        raise NotFound(f"{member_id} not found in the member list of the image {image.id}.")
