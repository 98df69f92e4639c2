"""The audit of the log finds whatever was changed, dropped, moved or forged, and says which event it is and why."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flavor import Flavor, create_flavor, delete_flavor
from domain.host.host import Host
from domain.host.service import came_up, disable, enable, went_down
from journal.audit import LogAudit
from journal.envelope import Author, seal
from journal.errors import LogBroken
from journal.stored import Stored
from tests.unit.domain.specification import AT
from tests.unit.domain.test_histories import inventory, register

API = Author(actor="user:u", source="chronova/api", request_id="req-1")
CONDUCTOR = Author(actor="service:conductor", source="chronova/conductor")


def log() -> list[Stored]:
    """Six events of two aggregates: 1 host, 2 flavor, 3 host, 4 host, 5 flavor, 6 host."""
    host: Host = register("h", inventory(4, 4096, 10), at=AT)
    disable(host, reason="broken fan", at=AT)
    went_down(host, at=AT)
    came_up(host, at=AT)
    flavor = create_flavor("f", name="tiny", vcpus=1, ram=128, disk=1, at=AT)
    delete_flavor(flavor, at=AT)
    of_host, of_flavor = iter(host.pending_events), iter(flavor.pending_events)
    order = [
        (Host, of_host, CONDUCTOR),
        (Flavor, of_flavor, API),
        (Host, of_host, API),
        (Host, of_host, CONDUCTOR),
        (Flavor, of_flavor, API),
        (Host, of_host, CONDUCTOR),
    ]
    previous: dict[type, str] = {}
    events: list[Stored] = []
    for position, (kind, pending, author) in enumerate(order, 1):
        event = next(pending)
        sealed = seal(kind, event, author, previous=previous.get(kind, ""))  # type: ignore[arg-type]
        previous[kind] = sealed.hash
        events.append(Stored(position, f"evt.{kind.KIND}.{event.originator_id}", sealed.block, sealed.body))
    return events


def audited(events: list[Stored]) -> LogAudit:
    audit = LogAudit()
    for stored in events:
        audit.check(stored)
    return audit


def test_a_log_that_nobody_touched_is_whole() -> None:
    audit = audited(log())
    assert (audit.position, audit.aggregates) == (6, 2)
    assert len(audit.digest) == 64


def replaced(events: list[Stored], position: int, old: bytes, new: bytes) -> list[Stored]:
    """The log with one event's bytes changed."""
    event = events[position - 1]
    assert (event.block + event.body).count(old) >= 1
    changed = Stored(position, event.subject, event.block.replace(old, new), event.body.replace(old, new))
    return [*events[: position - 1], changed, *events[position:]]


def renumbered(events: list[Stored]) -> list[Stored]:
    return [Stored(number, event.subject, event.block, event.body) for number, event in enumerate(events, 1)]


def on_subject(events: list[Stored], position: int, subject: str) -> list[Stored]:
    event = events[position - 1]
    return [*events[: position - 1], Stored(position, subject, event.block, event.body), *events[position:]]


@dataclass
class Forgery:
    what: str
    change: Callable[[list[Stored]], list[Stored]]
    found_at: int
    says: str


FORGERIES = [
    Forgery(
        "a part of an event", lambda it: replaced(it, 3, b"broken fan", b"broken fin"), 4, "one of the two was changed"
    ),
    Forgery("who did it", lambda it: replaced(it, 3, b"user:u", b"user:v"), 4, "one of the two was changed"),
    Forgery(
        "the request it belongs to", lambda it: replaced(it, 2, b"req-1", b"req-2"), 5, "one of the two was changed"
    ),
    Forgery("a dropped event", lambda it: [*it[:2], *it[3:]], 4, "what stood between is missing"),
    Forgery("a dropped event, renumbered", lambda it: renumbered([*it[:2], *it[3:]]), 3, "number 2 is due"),
    Forgery("a first event dropped", lambda it: renumbered(it[1:]), 2, "number 1 is due"),
    Forgery("two events swapped", lambda it: renumbered([*it[:2], it[3], it[2], *it[4:]]), 3, "number 2 is due"),
    Forgery("an event twice", lambda it: renumbered([*it[:3], it[2], *it[3:]]), 4, "number 3 is due"),
    Forgery(
        "the chain cut off", lambda it: replaced(it, 4, b"ce-previoushash", b"xx-previoushash"), 4, "names no event"
    ),
    Forgery(
        "another service", lambda it: replaced(it, 4, b"chronova/conductor", b"chronova/scheduler"), 4, "may not append"
    ),
    Forgery(
        "an unknown service", lambda it: replaced(it, 4, b"chronova/conductor", b"chronova/nobody"), 4, "may not append"
    ),
    Forgery(
        "somebody it may not act for",
        lambda it: replaced(it, 4, b"service:conductor", b"user:admin"),
        4,
        "does not act",
    ),
    Forgery("nobody", lambda it: replaced(it, 3, b"ce-actor: user:u", b"ce-actor: user:"), 3, "does not act for"),
    Forgery(
        "an undeclared type",
        lambda it: replaced(it, 3, b"host.disabled.v1", b"host.disabled.v7"),
        3,
        "has declared its type",
    ),
    Forgery(
        "another aggregate's type",
        lambda it: replaced(it, 3, b"host.disabled.v1", b"flavor.deleted.v1"),
        3,
        "is one of flavors",
    ),
    Forgery("another subject", lambda it: on_subject(it, 3, "evt.host.other"), 3, "says that it is about host/h"),
    Forgery("no aggregate's subject", lambda it: on_subject(it, 3, "evt.ghost.h"), 3, "belongs to no aggregate"),
    Forgery("no id", lambda it: on_subject(it, 3, "evt.host"), 3, "belongs to no aggregate"),
    Forgery("a missing header", lambda it: replaced(it, 3, b"ce-actor", b"xx-actor"), 3, "it has no ce-actor"),
    Forgery(
        "a header twice",
        lambda it: replaced(it, 3, b"\r\n\r\n", b"\r\nce-actor: user:v\r\n\r\n"),
        3,
        "stands in it twice",
    ),
    Forgery("no JSON", lambda it: replaced(it, 3, b'{"', b"{"), 3, "is no JSON"),
    Forgery("a part too many", lambda it: replaced(it, 3, b'{"', b'{"extra":1,"'), 3, "not as its schema says"),
    Forgery("a part of another type", lambda it: replaced(it, 3, b'"broken fan"', b"7"), 3, "not as its schema says"),
    Forgery(
        "a part too few", lambda it: replaced(it, 3, b'"reason":"broken fan"', b'"timestamp":"x"'), 3, "schema says"
    ),
    Forgery(
        "two times",
        lambda it: replaced(it, 3, b"ce-time: 2026", b"ce-time: 2025"),
        3,
        "its envelope says that it happened",
    ),
    Forgery("bytes that are no text", lambda it: replaced(it, 3, b"broken", b"\xff\xfeoken"), 3, "is no JSON"),
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.what)
def test_what_was_tampered_with_is_found(forgery: Forgery) -> None:
    with pytest.raises(LogBroken, match=forgery.says) as raised:
        audited(forgery.change(log()))
    assert raised.value.position == forgery.found_at
    assert f"event {forgery.found_at} (" in str(raised.value)


@given(st.data())
def test_no_byte_of_the_log_can_be_changed_without_a_finding_or_another_digest(data: st.DataObject) -> None:
    events = log()
    digest = audited(events).digest
    event = data.draw(st.sampled_from(events))
    part = data.draw(st.sampled_from(["block", "body"]))
    original: bytes = getattr(event, part)
    covered = original.index(b"\r\ncontent-type") if part == "block" else len(original)
    at = data.draw(st.integers(len(b"NATS/1.0\r\n") if part == "block" else 0, covered - 1))
    changed = original[:at] + bytes([original[at] ^ data.draw(st.integers(1, 255))]) + original[at + 1 :]
    forged = Stored(event.position, event.subject, **{"block": event.block, "body": event.body, part: changed})
    try:
        audit = audited([forged if it is event else it for it in events])
    except LogBroken:
        return
    assert audit.digest != digest


def test_a_cut_off_end_is_seen_by_the_digest_alone() -> None:
    assert audited(log()[:-1]).digest != audited(log()).digest


def test_enabling_is_the_apis_alone() -> None:
    events = log()
    host: Host = register("g", inventory(4, 4096, 10), at=AT)
    disable(host, reason=None, at=AT)
    enable(host, at=AT)
    first, _, third = host.pending_events
    begun = seal(Host, first, CONDUCTOR, previous="")  # type: ignore[arg-type]
    enabled = seal(Host, third, CONDUCTOR, previous=begun.hash)  # type: ignore[arg-type]
    more = [Stored(7, "evt.host.g", begun.block, begun.body), Stored(8, "evt.host.g", enabled.block, enabled.body)]
    with pytest.raises(LogBroken, match=r"chronova/conductor may not append such an event"):
        audited([*events, *more])
