"""The hash chain: whatever is changed in an event changes its hash, and so breaks the chain behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.host.host import Host
from domain.host.service import disable, enable
from journal.chain import LogDigest, hash_of
from journal.envelope import Author, Sealed, hash_of_stored, seal
from journal.stored import Stored
from tests.unit.domain.specification import AT
from tests.unit.domain.test_histories import inventory, register

AUTHOR = Author(actor="user:u", source="chronova/api", request_id="req-1", causation_id="c-1")
SUBJECT = "evt.host.h"


def history() -> list[Sealed]:
    """Three events of one aggregate, each naming the one before."""
    host: Host = register("h", inventory(4, 4096, 10), at=AT)
    disable(host, reason="broken fan", at=AT)
    enable(host, at=AT)
    sealed: list[Sealed] = []
    for event in host.pending_events:
        sealed.append(seal(Host, event, AUTHOR, previous=sealed[-1].hash if sealed else ""))  # type: ignore[arg-type]
    return sealed


def stored(sealed: Sealed, position: int = 1) -> Stored:
    return Stored(position, SUBJECT, sealed.block, sealed.body)


def test_each_event_names_the_hash_of_the_one_before() -> None:
    first, second, third = history()
    assert "ce-previoushash" not in stored(first).headers
    assert stored(second).headers["ce-previoushash"] == hash_of_stored(stored(first)) == first.hash
    assert stored(third).headers["ce-previoushash"] == hash_of_stored(stored(second)) == second.hash


@given(st.data())
def test_every_changed_byte_of_envelope_or_body_changes_the_hash(data: st.DataObject) -> None:
    event = history()[1]
    part = data.draw(st.sampled_from(["block", "body"]))
    original: bytes = getattr(event, part)
    covered = original.index(b"\r\ncontent-type") if part == "block" else len(original)
    at = data.draw(st.integers(len(b"NATS/1.0\r\n") if part == "block" else 0, covered - 1))
    flipped = data.draw(st.integers(1, 255))
    changed = original[:at] + bytes([original[at] ^ flipped]) + original[at + 1 :]
    parts = {"block": event.block, "body": event.body, part: changed}
    assert hash_of(SUBJECT, parts["block"], parts["body"]) != event.hash


def test_an_event_of_another_aggregate_has_another_hash() -> None:
    event = history()[0]
    assert hash_of("evt.host.other", event.block, event.body) != event.hash


def test_what_the_server_is_told_beside_the_event_is_not_part_of_it() -> None:
    event = history()[0]
    told = event.block[:-2] + b"Nats-Expected-Last-Subject-Sequence: 0\r\n\r\n"
    assert hash_of(SUBJECT, told, event.body) == event.hash


def test_the_digest_of_a_log_depends_on_every_event_and_their_order() -> None:
    hashes = [event.hash for event in history()]

    def digest(of: list[str]) -> str:
        log = LogDigest()
        for event_hash in of:
            log.add(event_hash)
        return log.hexdigest()

    variants = [hashes, hashes[:-1], hashes[1:], list(reversed(hashes)), [hashes[0], hashes[2]], []]
    assert len({digest(variant) for variant in variants}) == len(variants)
    assert digest(hashes) == digest(list(hashes))


@pytest.mark.parametrize("part", ["actor", "source", "request_id", "causation_id"])
def test_an_author_with_a_line_end_is_refused(part: str) -> None:
    author = Author(**{"actor": "user:u", "source": "chronova/api", part: "x\r\nce-actor: user:admin"})
    host: Host = register("h", inventory(4, 4096, 10), at=AT)
    with pytest.raises(ValueError, match="line end"):
        seal(Host, host.pending_events[0], author, previous="")  # type: ignore[arg-type]
