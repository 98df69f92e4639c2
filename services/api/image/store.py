"""The image store: one file an image, there only when it is whole. Work on files happens off the event loop."""

import asyncio
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.api.errors import Refusal
from services.api.image.formats import HEAD_SIZE, virtual_size

BLOCK = 1 << 20  # bytes that are written or read at once
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FULL = "There is no room left in the image store. Delete images that nobody needs, or give it a larger disk."


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an image's bytes once they are in the store."""

    size: int
    virtual_size: int
    checksum: str  # SHA-512, hex
    checksum_md5: str


class _Part:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.head = b""
        self._sha512 = hashlib.sha512()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)

    def write(self, block: bytes) -> None:
        if len(self.head) < HEAD_SIZE:
            self.head += block[: HEAD_SIZE - len(self.head)]
        self._sha512.update(block)
        self._md5.update(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._file, view) :]
        self.size += len(block)

    def finish(self, disk_format: str) -> Stored:
        """Judge the bytes, bring them to disk and put the file where it is found. Raises Refusal, OSError."""
        disk = virtual_size(disk_format, self.head, self.size)
        os.fsync(self._file)
        self.path.rename(self.path.with_suffix(""))
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return Stored(self.size, disk, self._sha512.hexdigest(), self._md5.hexdigest())

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._file)


@asynccontextmanager
async def exclusive(store: Path, image_id: str) -> AsyncIterator[None]:
    """One upload an image, until its event is recorded; the lock ends with the process that holds it.

    Raises Refusal 409 when another upload is under way, 413 when there is no room.
    """
    path = store / f"{image_id}.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise _refusal(error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.path.samestat(os.fstat(lock), path.stat())
        except (BlockingIOError, FileNotFoundError):
            held = False
        if not held:  # somebody has it, or has just removed it
            raise Refusal(409, f"Another upload of image {image_id} is under way.")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(lock)


async def require_room(store: Path, size: int, limit: int) -> None:
    """Pass when a file of this size may be stored and there is room for it, before any of it is taken in. Raises Refusal 413."""
    _require_small(size, limit)
    if size > (await asyncio.to_thread(shutil.disk_usage, store)).free:
        raise Refusal(413, FULL)


def _require_small(size: int, limit: int) -> None:
    if size > limit:
        raise Refusal(413, f"Denying attempt to upload image larger than {limit} bytes.")


async def save(store: Path, image_id: str, disk_format: str, chunks: AsyncIterator[bytes], *, limit: int) -> Stored:
    """Write an image's bytes as they come; nothing is left of them unless all is well. Within `exclusive`.

    Raises Refusal 400 for bytes that are not of the format, 413 when they are too many, or there is no room.
    """
    try:
        part = await asyncio.to_thread(_Part, store / f"{image_id}.part")
    except OSError as error:
        raise _refusal(error) from error
    try:
        pending = bytearray()
        async for chunk in chunks:
            pending += chunk
            _require_small(part.size + len(pending), limit)
            if len(pending) >= BLOCK:
                await asyncio.to_thread(part.write, bytes(pending))
                pending.clear()
        await asyncio.to_thread(part.write, bytes(pending))
        return await asyncio.to_thread(part.finish, disk_format)
    except OSError as error:
        part.discard()
        raise _refusal(error) from error
    except BaseException:  # also when the client goes away
        part.discard()
        raise
    finally:
        part.close()


def _refusal(error: OSError) -> Exception:
    return Refusal(413, FULL) if error.errno in NO_ROOM else error


async def blocks(path: Path, first: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
    """A file's bytes, or a range of them, block by block. Raises OSError."""
    file = await asyncio.to_thread(path.open, "rb")
    left = length
    try:
        file.seek(first)
        while block := await asyncio.to_thread(file.read, BLOCK if left is None else min(BLOCK, left)):
            yield block
            left = None if left is None else left - len(block)
    finally:
        file.close()


async def size_of(path: Path) -> int | None:
    """A file's size in bytes; None when there is none."""
    try:
        return (await asyncio.to_thread(path.stat)).st_size
    except FileNotFoundError:
        return None


async def remove(store: Path, image_id: str) -> None:
    """Remove an image's bytes; nothing when there are none."""
    await asyncio.to_thread((store / image_id).unlink, missing_ok=True)
