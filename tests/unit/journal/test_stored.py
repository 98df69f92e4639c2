"""Header blocks: what is written is what is read, and no value can pose as another header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.stored import Stored, header_block, parse_headers

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
values = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40).map(str.strip)


@given(st.dictionaries(names, values, max_size=8))
def test_what_is_written_is_read(headers: dict[str, str]) -> None:
    block = header_block(headers)
    assert parse_headers(block) == headers
    message = Stored(1, "evt.a.b", block, b"")
    assert {name: message.header(name.encode()) for name in headers} == headers


@pytest.mark.parametrize("value", ["a\r\nce-actor: user:admin", "a\nb", "a\rb"])
def test_a_value_with_a_line_end_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        header_block({"ce-source": value})


def test_a_header_is_not_found_inside_a_value() -> None:
    message = Stored(1, "evt.a.b", header_block({"ce-source": "ce-type: forged", "ce-type": "true"}), b"")
    assert message.header(b"ce-type") == "true"


def test_a_header_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Stored(1, "evt.a.b", header_block({}), b"").header(b"ce-type")


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"NATS/1.0 404\r\n\r\n", {"Status": "404"}),
        (b"NATS/1.0 404 Message Not Found\r\n\r\n", {"Status": "404", "Description": "Message Not Found"}),
        (
            b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 12\r\n\r\n",
            {"Status": "408", "Description": "Request Timeout", "Nats-Pending-Messages": "12"},
        ),
        (b"NATS/1.0\r\nName:without a space\r\n\r\n", {"Name": "without a space"}),
    ],
)
def test_the_status_of_the_server_is_read(block: bytes, headers: dict[str, str]) -> None:
    assert parse_headers(block) == headers
