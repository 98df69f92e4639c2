"""The export's file: what was written is read, byte for byte, and whatever else is found."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.chain import LogDigest
from journal.envelope import hash_of_stored
from journal.export.contents import Header
from journal.export.errors import ExportDamaged, ExportError, ExportTorn, NotAnExport
from journal.export.frames import FIRST_LINE, Frame, Framing, Kind
from journal.export.reader import ExportReader, events_of, secrets_of
from journal.export.records import own_block
from journal.export.resuming import last_good_frame
from journal.export.verification import Verification
from journal.export.writer import ExportWriter
from journal.stored import Stored, header_block

HEADER = Header({"id": "00000000-0000-4000-8000-000000000001"}, "0.1.0", "2026-01-02T03:04:05.000000Z", False)

header_text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
events = st.lists(
    st.tuples(
        st.sampled_from(["evt.instance.a", "evt.instance.b", "evt.host.h"]),
        st.dictionaries(
            st.sampled_from(["ce-id", "ce-type", "ce-source", "content-type", "Nats-Batch-Id"]), header_text
        ),
        st.binary(max_size=60),
    ),
    max_size=8,
)
secrets = st.lists(st.tuples(st.sampled_from(["user.a", "instance.b.user_data"]), st.binary(max_size=20)), max_size=3)


def stored(written: Sequence[tuple[str, dict[str, str], bytes]]) -> list[Stored]:
    return [
        Stored(position, subject, header_block(headers), body)
        for position, (subject, headers, body) in enumerate(written, 1)
    ]


def export(log: Sequence[Stored], secret: Sequence[tuple[str, bytes]] = (), *, full: int = 150) -> bytes:
    """A file with as many frames as small ones make."""
    file = io.BytesIO()
    writer = ExportWriter(file, full=full)
    writer.begin(HEADER)
    for event in log:
        writer.add(event)
    for key, value in secret:
        writer.add_secret(key, value)
    writer.end({"scheduler": 1})
    return file.getvalue()


def verify(content: bytes) -> None:
    for _ in Verification(ExportReader(io.BytesIO(content))).frames():
        pass


def simple(count: int) -> list[Stored]:
    return stored([("evt.host.h", {"ce-id": str(number)}, b'{"n":%d}' % number) for number in range(count)])


def frames_of(content: bytes) -> tuple[bytes, list[bytes]]:
    """What comes before the frames after the header, and those, each as its bytes."""
    file = io.BytesIO(content)
    reader = ExportReader(file)
    begin, at, found = file.tell(), file.tell(), []
    for _ in reader.frames():
        found.append(content[at : file.tell()])
        at = file.tell()
    return content[:begin], found


@given(written=events, secret=secrets)
def test_what_was_written_is_read(
    written: list[tuple[str, dict[str, str], bytes]], secret: list[tuple[str, bytes]]
) -> None:
    log = stored(written)
    reader = ExportReader(io.BytesIO(export(log, secret)))
    read: list[Stored] = []
    read_secrets: list[tuple[str, bytes]] = []
    for frame in reader.frames():
        if frame.kind is Kind.EVENTS:
            read += events_of(frame)
        elif frame.kind is Kind.SECRETS:
            read_secrets += secrets_of(frame)
    assert reader.header == HEADER
    assert [(it.position, it.subject, it.block, it.body) for it in read] == [
        (it.position, it.subject, own_block(it.block), it.body) for it in log
    ]
    assert read_secrets == secret
    digest = LogDigest()
    for event in log:
        digest.add(hash_of_stored(event))
    assert reader.ending is not None
    assert (reader.ending.position, reader.ending.digest, reader.ending.secrets) == (
        len(log),
        digest.hexdigest(),
        len(secret),
    )
    assert reader.ending.followers == {"scheduler": 1}


def test_only_what_the_logs_protocol_has_put_into_the_headers_is_left_out() -> None:
    block = header_block(
        {"ce-id": "1", "Nats-Expected-Last-Sequence": "4", "ce-note": "Nats-like", "content-type": "x"}
    )
    assert own_block(block) == header_block({"ce-id": "1", "ce-note": "Nats-like", "content-type": "x"})


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_byte_that_was_changed_is_found(data: st.DataObject) -> None:
    content = export(simple(9), [("user.a", b"hash")])
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ExportError):
        verify(bytes(changed))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_file_that_ends_too_early_is_found_and_says_up_to_where_it_is_good(data: st.DataObject) -> None:
    content = export(simple(9))
    head, frames = frames_of(content)
    whole = data.draw(st.integers(0, len(frames) - 1))
    begin = len(head) + sum(len(frame) for frame in frames[:whole])
    good = int(frames[whole - 1].split(b" ")[2]) if whole else 0
    with pytest.raises(ExportTorn, match=f"it ends too early, after event {good}$"):
        verify(content[: begin + data.draw(st.integers(0, len(frames[whole]) - 1))])


def test_a_file_that_ends_within_its_header_is_found() -> None:
    head, _ = frames_of(export(simple(1)))
    for length in range(len(FIRST_LINE), len(head)):
        with pytest.raises(ExportTorn):
            verify(head[:length])


def test_a_file_that_goes_on_after_its_end_is_found() -> None:
    with pytest.raises(ExportDamaged, match="something comes after its end"):
        verify(export(simple(3)) + b"\n")


def test_frames_that_are_missing_moved_repeated_or_of_another_file_are_found() -> None:
    head, frames = frames_of(export(simple(9), [("user.a", b"x")]))
    _, others = frames_of(export(simple(10)))
    assert len(frames) > 4
    verify(head + b"".join(frames))
    for wrong in (
        [frames[1], *frames[2:]],
        [frames[1], frames[0], *frames[2:]],
        [frames[0], *frames],
        [others[0], *frames[1:]],
        [*frames[:-2], frames[-1]],
        [*frames[:-1], others[-1]],
    ):
        if wrong != frames:
            with pytest.raises(ExportDamaged):
                verify(head + b"".join(wrong))


def test_secrets_of_another_export_of_the_same_log_are_found() -> None:
    log = simple(3)
    head, frames = frames_of(export(log, [("user.a", b"hash of a password")]))
    _, others = frames_of(export(log, [("user.a", b"hash of another one")]))
    with pytest.raises(ExportDamaged, match="a checksum does not match, after event 3"):
        verify(head + b"".join([*frames[:-2], others[-2], frames[-1]]))


def test_a_whole_file_that_was_made_up_is_found_by_its_digest() -> None:
    """Somebody who computes all checksums anew still has to make the events' digest match."""
    log = simple(2)
    framing = Framing()
    body = framing.encode(Frame(Kind.HEADER, 1, 0, "", b'{"region":{},"made_by":"","made_at":"","with_secrets":false}'))
    other = Stored(1, log[0].subject, log[0].block, b"{}")
    digest = LogDigest()
    digest.add(hash_of_stored(log[0]))
    record = b"%s %d %d\n%s%s\n" % (other.subject.encode(), len(other.block), 2, other.block, other.body)
    body += framing.encode(Frame(Kind.EVENTS, 1, 1, digest.hexdigest(), record))
    with pytest.raises(ExportDamaged, match=r"its digest is not that of its events, after event 0"):
        verify(FIRST_LINE + body)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is no export of a Chronova log"),
        (b"\x1f\x8b\x08\x00anything", "it is no export of a Chronova log"),
        (b"SQLite format 3\x00" * 100, "it is no export of a Chronova log"),
        (b"chronova-export 2\n", "its format is 2, and this version reads format 1"),
    ],
)
def test_a_file_of_something_else_is_named_so(content: bytes, sentence: str) -> None:
    with pytest.raises(NotAnExport, match=sentence):
        ExportReader(io.BytesIO(content))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_anywhere_is_gone_on_with_and_is_the_same_in_the_end(data: st.DataObject) -> None:
    log = simple(12)
    whole = export(log)
    at = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.binary(max_size=30))
    file = io.BytesIO(whole[:at] + garbage)
    try:
        found = last_good_frame(file)
    except NotAnExport:
        assert at < len(FIRST_LINE)
        return
    if found is None:
        return
    assert found.offset <= at
    file.seek(found.offset)
    file.truncate()
    writer = ExportWriter(file, framing=found.framing, position=found.position, digest=found.digest, full=150)
    for event in log[found.position :]:
        writer.add(event)
    writer.end({"scheduler": 1})
    assert file.getvalue() == whole


def test_an_event_that_is_not_the_next_is_refused() -> None:
    writer = ExportWriter(io.BytesIO())
    with pytest.raises(ValueError, match="event 1 is next, not 2"):
        writer.add(simple(2)[1])
