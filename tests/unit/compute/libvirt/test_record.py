"""What the driver notes of a guest."""

from pathlib import Path

import pytest

from domain.instance.state import StopReason
from services.compute.libvirt.record import FILE, GuestRecord, note_start, note_stop
from tests.unit.compute.libvirt.guests import NIC


def test_what_was_written_is_read(tmp_path: Path) -> None:
    record = GuestRecord(nics=(NIC,), built=True, stop_reason=StopReason.GUEST)
    record.write(tmp_path)
    assert GuestRecord.read(tmp_path) == record


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"nics": [{}], "built": true, "stop_reason": null}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    assert GuestRecord.read(tmp_path) is None


def test_the_first_reason_to_stop_stands_until_the_next_start(tmp_path: Path) -> None:
    GuestRecord(built=True).write(tmp_path)
    note_stop(tmp_path, StopReason.REQUESTED)
    note_stop(tmp_path, StopReason.GUEST)
    assert GuestRecord.read(tmp_path) == GuestRecord(built=True, stop_reason=StopReason.REQUESTED)
    note_start(tmp_path)
    note_stop(tmp_path, StopReason.CRASHED)
    assert GuestRecord.read(tmp_path) == GuestRecord(built=True, stop_reason=StopReason.CRASHED)


def test_nothing_is_noted_of_a_guest_that_is_gone(tmp_path: Path) -> None:
    note_stop(tmp_path / "gone", StopReason.GUEST)
    note_start(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
