"""A TCP proxy that can be told to misbehave: hang, swallow answers, count round trips."""
import socket
import threading


class Proxy:
    """Listens on a free port of loopback and forwards to `port`."""

    def __init__(self, port):
        self.target = port
        self.moving = threading.Event()
        self.moving.set()
        self.swallow = False  # what the server says is read and thrown away
        self.trips = 0  # a client's words that follow a server's
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        self.moving.set()

    def hang(self):
        """Connections stay, and nothing moves."""
        self.moving.clear()

    def resume(self):
        self.swallow = False
        self.moving.set()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                client.close()
                continue
            state = {"asked": False}
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(*ends, state), daemon=True).start()

    def _pump(self, source, sink, from_client, state):
        try:
            while True:
                data = source.recv(65536)
                self.moving.wait()
                if not data:
                    break
                if from_client and not state["asked"]:
                    self.trips += 1
                state["asked"] = from_client
                if from_client or not self.swallow:
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
