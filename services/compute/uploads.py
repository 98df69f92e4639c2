"""Uploads: the bytes of a guest's disk go to the image that waits for them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from services.compute.hypervisor import HypervisorError
from services.compute.images import CHUNK, StaleUrl


async def upload(image_id: str, url: str, file: Path) -> None:
    """Send a file to an image; nothing when the image has its bytes already, from an attempt whose answer was lost.

    Raises HypervisorError when the image cannot take them, StaleUrl when another URL must be asked for.
    """
    headers = {"Content-Type": "application/octet-stream"}
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(30, write=300, read=300)) as client:
            answer = await client.put(url, content=_blocks(file), headers=headers)
    except httpx.HTTPError as error:
        raise HypervisorError(f"Image {image_id} cannot be uploaded: {error!r}") from error
    match answer.status_code:
        case httpx.codes.NO_CONTENT | httpx.codes.CONFLICT:
            return
        case httpx.codes.FORBIDDEN:
            raise StaleUrl
        case status:
            raise HypervisorError(f"Image {image_id} cannot be uploaded: the image store answers {status}.")


async def _blocks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while block := await asyncio.to_thread(opened.read, CHUNK):
            yield block
