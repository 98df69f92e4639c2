"""The image cache: each image is fetched once a host, and used only when every byte of it is the right one."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import httpx

from domain.instance.desired import ImageSource
from services.compute.hypervisor import HypervisorError

log = logging.getLogger(__name__)

CHUNK = 1 << 20  # bytes
PATIENCE = 300.0  # seconds that an image store which is away is waited for


class StaleUrl(Exception):
    """The image's URL has expired: the desired state must be asked for anew."""


class ImageCache:
    """Verified images in one directory, named by id and checksum."""

    def __init__(self, directory: Path, *, patience: float = PATIENCE) -> None:
        self._directory = directory
        self._patience = patience
        self._locks: dict[str, asyncio.Lock] = {}
        directory.mkdir(parents=True, exist_ok=True)

    async def fetch(self, image: ImageSource, waiting: Callable[[str], None]) -> Path:
        """The image's file, fetched when it is not there yet; many may ask for one image at once.

        Raises HypervisorError when the bytes are not the right ones or cannot be had, StaleUrl when they must be asked for
        by another URL.
        """
        path = self._directory / f"{image.id}-{image.checksum[:32]}.{image.disk_format}"
        async with self._locks.setdefault(path.name, asyncio.Lock()):
            if path.exists():
                return path
            await self._fetch_patiently(image, path, waiting)
            return path

    async def _fetch_patiently(self, image: ImageSource, path: Path, waiting: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._patience, 0.2
        part = path.with_suffix(".part")
        while True:
            try:
                await self._download(image, part)
                part.chmod(0o444)  # overlays lie over it: nobody may write to it any more
                part.replace(path)
            except httpx.HTTPError as error:
                if loop.time() > deadline:
                    raise HypervisorError(f"Image {image.id} cannot be fetched: {error!r}") from error
                waiting(f"image {image.id} cannot be fetched yet: {error!r}")
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)
            except OSError as error:
                raise HypervisorError(f"Image {image.id} cannot be kept on the host: {error.strerror}.") from error
            else:
                return
            finally:
                part.unlink(missing_ok=True)

    async def _download(self, image: ImageSource, part: Path) -> None:
        digest, size = hashlib.sha512(), 0
        async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", image.url) as answer:
            if answer.status_code == httpx.codes.FORBIDDEN:
                raise StaleUrl
            if answer.status_code == httpx.codes.NOT_FOUND:
                raise HypervisorError(f"Image {image.id} is no longer in the image store.")
            answer.raise_for_status()
            with part.open("wb") as file:
                async for chunk in answer.aiter_bytes(CHUNK):
                    size += len(chunk)
                    if size > image.size:
                        break
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
        if size != image.size or digest.hexdigest() != image.checksum:
            raise HypervisorError(f"Image {image.id} is corrupt: its checksum is not the one that was recorded for it.")
