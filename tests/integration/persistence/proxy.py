"""A TCP proxy before a nats-server, which loses requests and answers when it is told to."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Proxy:
    """Passes everything on, until a request is seen that is to be lost, or whose answer is."""

    def __init__(self, target: int) -> None:
        self.cuts = 0
        self.on_cut: Callable[[], object] = lambda: None  # done before the connection is lost
        self._target = target
        self._held: dict[bytes, Callable[[], object]] = {}
        self._mark = b""
        self._left = 0  # occurrences of the mark until it is the one
        self._with_request = False
        self._with_connection = True
        self._deaf = False
        self._open: set[socket.socket] = set()
        self._port = 0
        self.listen()
        self.url = f"nats://127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def lose_answer(self, to: bytes, *, number: int = 1, with_connection: bool = True) -> None:
        """The server gets the request and answers; the answer is lost, and with it the connection."""
        self._mark, self._left, self._with_request, self._deaf = to, number, False, False
        self._with_connection = with_connection

    def lose_request(self, of: bytes, *, number: int = 1) -> None:
        """The connection is lost before the request."""
        self._with_connection = True
        self._mark, self._left, self._with_request, self._deaf = of, number, True, False

    def hold(self, request: bytes, until: Callable[[], object]) -> None:
        """Once, do something before such a request is passed on."""
        self._held[request] = until

    def close(self) -> None:
        self.refuse()
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:  # the server is away: so is what is behind the proxy
                    client.close()
                    continue
                self._open |= {client, server}
                threading.Thread(target=self._pump, args=(client, server, self._may_ask), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, self._may_answer), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, may_pass: Callable[[bytes], bool]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                if not may_pass(data):
                    if not self._with_connection:
                        continue
                    self.on_cut()
                    self.cut()
                    return
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)

    def _may_ask(self, data: bytes) -> bool:
        for mark in [mark for mark in self._held if mark in data]:
            self._held.pop(mark)()
        if self._mark and self._left > 0 and self._mark in data:
            self._left -= data.count(self._mark)
            if self._left <= 0:
                self._deaf = not self._with_request
                return not self._with_request
        return True

    def _may_answer(self, _data: bytes) -> bool:
        if self._deaf:
            self._deaf = False
            return False
        return True

    def cut(self) -> None:
        """Lose all connections."""
        self.cuts += 1
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()
