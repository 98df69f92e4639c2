"""Backups: of each series of a server's backups the newest are kept. Source: compute API reference, "Create Server Back Up"."""

from functools import partial

from sqlalchemy import Connection, RowMapping, select

from domain.image.image import Image, ImageStatus, delete_image
from journal.envelope import Author
from projections.tables import images
from services.api.call import Call
from services.api.image.store import remove


async def rotate(call: Call, newest: RowMapping, author: Author) -> None:
    """Delete the backups that one which has just got its bytes is one too many for; nothing for other images."""
    keep = newest["properties"].get("backup_rotation", "")
    if not keep.isdigit():
        return
    at = call.dependencies.clock()
    for image_id in (await call.dependencies.reads.query(partial(_series, newest)))[int(keep) :]:
        await call.dependencies.commands.execute(Image, image_id, partial(delete_image, at=at), author)
        await remove(call.dependencies.image_store, image_id)


def _series(newest: RowMapping, connection: Connection) -> list[str]:
    """The ids of the unprotected backups of its kind of the same server, newest first."""
    mine = ("instance_uuid", "image_type")
    found = (
        select(images.c.id, images.c.properties)
        .where(
            images.c.project_id == newest["project_id"],
            images.c.status == ImageStatus.ACTIVE.value,
            images.c.protected.is_(False),
        )
        .order_by(images.c.created_position.desc())
    )
    return [
        row.id
        for row in connection.execute(found)
        if all(row.properties.get(name) == newest["properties"][name] for name in mine)
    ]
