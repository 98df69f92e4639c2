"""Keeps a sample of every event that has none yet: `python -m tests.samples.freeze`.

It only ever adds. A sample stands for what is in somebody's log, so one that is there is never written again; of the states that
were folded, an aggregate's new attributes are added, and nothing else.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from domain.aggregate import Aggregate, Event
from domain.registry import KNOWN
from journal.authority import MAY_APPEND, Source
from journal.envelope import Author, seal
from journal.stored import parse_headers
from tests.samples.histories import HISTORIES, USER
from tests.samples.kept import Kept, fold, read, state_of

ACTORS: Mapping[Source, str] = {
    Source.API: f"user:{USER}",
    Source.SCHEDULER: "service:scheduler",
    Source.CONDUCTOR: "host:host-1",
    Source.FIRST_START: "service:chronova",
}
REQUEST = "req-7d9f1f0a-2a7e-4d5c-8f6e-1c2b3a495867"


def freeze(kept: Kept, histories: Mapping[str, Callable[[], Aggregate]]) -> Iterator[str]:
    """Add what is missing; yields what was added, or what has to be seen to by hand."""
    changed = [path for path, noted in kept.noted_sums().items() if kept.actual_sums().get(path) != noted]
    if changed:
        yield from (f"{path} is not as it was: take it from the history of the repository" for path in changed)
        return
    for name, live in histories.items():
        if not kept.history(name).exists():
            yield write(kept.history(name), recorded(live()))
    for topic in sorted(KNOWN):
        if not kept.event(topic).exists():
            yield first_of(topic, kept)
    for name, history in [
        *((name, kept.stored_history(name)) for name in kept.histories()),
        *((topic, kept.up_to(topic)) for topic in kept.topics()),
    ]:
        yield from keep_folded(kept.folded(name), state_of(fold(history)))
    lines = [f"{checksum}  {path}\n" for path, checksum in kept.actual_sums().items()]
    kept.sums.write_text("".join(lines))


def recorded(aggregate: Aggregate) -> dict[str, Any]:
    """A whole history, sealed as it goes into the log."""
    subject, events, previous, cause = f"evt.{aggregate.KIND}.{aggregate.id}", [], "", ""
    for event in aggregate.pending_events:
        assert isinstance(event, Event)
        source = min(MAY_APPEND.get(event.TOPIC) or [Source.API])
        request_id = REQUEST if source is Source.API else ""
        author = Author(ACTORS[source], source, request_id, "" if request_id else cause)
        sealed = seal(type(aggregate), event, author, previous=previous)
        events.append({"headers": parse_headers(sealed.block), "body": sealed.body.decode()})
        previous, cause = sealed.hash, sealed.id
    return {"subject": subject, "events": events}


def first_of(topic: str, kept: Kept) -> str:
    """Keep the first event of a topic that any history has."""
    for name in kept.histories():
        for event in read(kept.history(name))["events"]:
            if event["headers"]["ce-type"] == topic:
                return write(kept.event(topic), {"history": name, **event})
    return f"no history has a {topic}: add one to tests/samples/histories.py that has, under a new name"


def keep_folded(path: Path, state: dict[str, Any]) -> Iterator[str]:
    before = read(path) if path.exists() else {}
    differing = sorted(name for name in before if name not in state or before[name] != state[name])
    if differing:
        yield f"{path.name}: {', '.join(differing)} fold to something else than before; if that is meant, delete {path}"
    elif before != state:
        yield write(path, state)


def write(path: Path, document: dict[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return f"added {path.parent.name}/{path.name}"


if __name__ == "__main__":
    lines = list(freeze(Kept(), HISTORIES))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.exit(any(not line.startswith("added") for line in lines))
