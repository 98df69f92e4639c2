"""The agent's side of the bus: its work, its reports, its heartbeat, and the questions it is asked."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.instance.desired import Desired
from journal.bus import Bus
from journal.pull import Pull
from journal.streams import host_consumer

log = logging.getLogger(__name__)

BATCH = 100


class Link:
    """One host's connection to its region."""

    def __init__(self, client: Bus, host: str) -> None:
        self._client = client
        self._host = host
        self._take: Callable[[Desired], None] = lambda _: None

    async def work(self, take: Callable[[Desired], None]) -> None:
        """Hand over desired states as they come, for ever. Each is acknowledged once it is taken: heartbeats heal the rest."""
        self._take = take
        await Pull(self._client, "WORK", host_consumer(self._host), batch=BATCH).run(self._received)

    async def _received(self, message: Msg) -> None:
        try:
            self._take(Desired.from_document(orjson.loads(message.data)))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("work that makes no sense came on %s: %r", message.subject, error)
        try:
            await self._client.publish(message.reply, b"+ACK")
        except NatsError as error:
            log.warning("work could not be acknowledged: %r", error)  # it comes again

    async def report(self, kind: str, subject_id: str, document: Mapping[str, Any] | Any) -> bool:
        """Send a report; whether it is stored. It can be sent again without harm."""
        try:
            answer = await self._client.request(
                f"rpt.{self._host}.{kind}.{subject_id}", orjson.dumps(document), timeout=5
            )
        except (NatsError, TimeoutError) as error:
            log.warning("the report on %s could not be sent: %r", subject_id, error)
            return False
        return "error" not in orjson.loads(answer.data)

    async def beat(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send a heartbeat; the answer, or None when nobody answers."""
        try:
            answer = await self._client.request(f"hb.{self._host}", orjson.dumps(document), timeout=3)
        except (NatsError, TimeoutError) as error:
            log.warning("nobody answers the heartbeat: %r", error)
            return None
        parsed: dict[str, Any] = orjson.loads(answer.data)
        return parsed

    async def answer(
        self, questions: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]]
    ) -> None:
        """Begin to answer `ask.<host>.<question>`."""

        async def asked(message: Msg) -> None:
            question = questions.get(message.subject.rpartition(".")[2])
            if question is None:
                return
            try:
                document = await question(orjson.loads(message.data))
            except Exception as error:  # noqa: BLE001 -- whoever asked gets an answer, whatever went wrong here
                log.warning("%s could not be answered: %r", message.subject, error)
                document = {"error": str(error)}
            await message.respond(orjson.dumps(document))

        await self._client.subscribe(f"ask.{self._host}.*", cb=asked)
