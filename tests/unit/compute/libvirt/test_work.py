"""Work on guests: one piece at a time."""

import asyncio

from services.compute.libvirt.work import Work, happens


async def test_two_pieces_of_work_on_one_guest_do_not_overlap() -> None:
    work, log = Work(), list[str]()

    async def piece(name: str) -> None:
        async with work.on("guest"):
            log.append(f"{name} begins")
            await asyncio.sleep(0)
            log.append(f"{name} ends")

    await asyncio.gather(*(piece(name) for name in "abc"))
    assert log == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]
    assert not work.is_on("guest")


async def test_who_works_on_a_guest_hears_that_it_stops_and_nobody_else() -> None:
    work = Work()
    async with work.on("guest") as stopped, work.on("another") as other:
        work.note_stop("guest")
        work.note_stop("a third")
        assert await happens(stopped, 1)
        assert not await happens(other, 0.01)
        assert work.is_on("guest")
