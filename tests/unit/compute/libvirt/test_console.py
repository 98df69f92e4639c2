"""The end of a console log."""

from pathlib import Path

import pytest

from services.compute.libvirt.console import BLOCK, read_console


def write(directory: Path, **files: bytes) -> None:
    for name, content in {"console.log": files.get("now", b""), "console.log.0": files.get("older", b"")}.items():
        if content:
            (directory / name).write_bytes(content)


@pytest.mark.parametrize(
    ("lines", "seen"),
    [(None, "a\nb\nc\n"), (0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (99, "a\nb\nc\n")],
)
def test_the_last_lines(tmp_path: Path, lines: int | None, seen: str) -> None:
    write(tmp_path, now=b"a\nb\nc\n")
    assert read_console(tmp_path, lines) == seen


def test_a_line_that_is_not_ended_is_a_line(tmp_path: Path) -> None:
    write(tmp_path, now=b"boot\nlogin: ")
    assert read_console(tmp_path, 1) == "login: "
    assert read_console(tmp_path, 2) == "boot\nlogin: "


def test_a_log_that_has_rolled_over_is_read_on_in_the_older_file(tmp_path: Path) -> None:
    write(tmp_path, older=b"one\ntw", now=b"o\nthree\n")
    assert read_console(tmp_path, 2) == "two\nthree\n"
    assert read_console(tmp_path, None) == "one\ntwo\nthree\n"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    write(tmp_path, now=b"x" * (3 * BLOCK) + b"\nlast\n")
    assert read_console(tmp_path, 1) == "last\n"
    assert len(read_console(tmp_path, 2)) == 3 * BLOCK + len("\nlast\n")


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    write(tmp_path, now=b"\xff\xfe ok\r\n\f\n")
    assert read_console(tmp_path, None) == "\ufffd\ufffd ok\r\n\f\n"
    assert read_console(tmp_path, 1) == "\f\n"


def test_a_guest_that_has_said_nothing(tmp_path: Path) -> None:
    assert read_console(tmp_path, None) == ""
    assert read_console(tmp_path / "missing", 10) == ""
