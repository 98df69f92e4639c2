"""Images whose bytes should be in the image store, and are not."""

from domain.image.image import Image, ImageStatus
from journal.bus import Bus
from journal.repository import Repository
from journal.streams import subjects
from services.cli.region import Region

WITH_BYTES = frozenset({ImageStatus.ACTIVE, ImageStatus.DEACTIVATED})


async def missing_images(region: Region, bus: Bus) -> list[str]:
    """The ids of such images. Raises JournalError, LogUnavailable."""
    repository = Repository(bus)
    missing = []
    for subject in sorted(await subjects(bus, "EVENTS", f"evt.{Image.KIND}.*")):
        image_id = subject.rpartition(".")[2]
        image = (await repository.load(Image, image_id)).aggregate
        if image.status in WITH_BYTES and not (region.images / image_id).exists():
            missing.append(image_id)
    return missing
