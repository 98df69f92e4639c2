"""The sweep: what an upload or a deletion that was cut short has left in the image store goes when the API starts.

A file belongs there while its image is in the log and has bytes. An upload that is under way elsewhere holds its image's lock,
and so nothing of it is touched.
"""

import asyncio
import logging
from pathlib import Path

from domain.image.image import Image, ImageStatus
from journal.errors import AggregateNotFound
from journal.repository import Repository
from services.api.errors import Refusal
from services.api.image.store import exclusive
from services.api.schema import is_uuid

log = logging.getLogger(__name__)

WITH_BYTES = frozenset({ImageStatus.ACTIVE, ImageStatus.DEACTIVATED})


async def sweep(store: Path, repository: Repository) -> list[str]:
    """Remove what no image has; the names of what was removed. Raises LogUnavailable, OSError."""
    removed = []
    for image_id in sorted(await asyncio.to_thread(_image_ids, store)):
        try:
            async with exclusive(store, image_id):
                kept = await _has_bytes(repository, image_id)
                removed += await asyncio.to_thread(_remove, store, image_id, keep=kept)
        except Refusal:
            log.debug("image %s is being uploaded", image_id)
    for name in removed:
        log.warning("%s was in the image store, and no image has it: removed", name)
    return removed


def _image_ids(store: Path) -> set[str]:
    """Whose files there are; files of other names are not ours."""
    names = (path.name.removesuffix(".part").removesuffix(".lock") for path in store.iterdir())
    return {name for name in names if is_uuid(name)}


async def _has_bytes(repository: Repository, image_id: str) -> bool:
    try:
        return (await repository.load(Image, image_id, fresh=True)).aggregate.status in WITH_BYTES
    except AggregateNotFound:
        return False


def _remove(store: Path, image_id: str, *, keep: bool) -> list[str]:
    names = [f"{image_id}.part"] if keep else [f"{image_id}.part", image_id]
    found = [name for name in names if (store / name).exists()]
    for name in found:
        (store / name).unlink()
    return found
