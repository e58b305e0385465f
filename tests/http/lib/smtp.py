"""A mail server that keeps what it gets, on loopback."""
import email
import email.policy
import socketserver
import threading
import time


class _Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink")
        while True:
            line = self.rfile.readline(2000).decode("utf-8", "replace").rstrip("\r\n")
            word = line[:4].upper()
            if not line or word == "QUIT":
                self.say("221 bye")
                return
            if word == "EHLO":
                self.say("250-sink")
                self.say("250-SMTPUTF8")
                self.say("250 8BITMIME")
            elif word == "DATA":
                self.say("354 go on")
                self.take()
            else:
                self.say("250 ok")

    def take(self):
        lines = []
        while True:
            line = self.rfile.readline(2000)
            if line in (b".\r\n", b""):
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.keep(b"".join(lines))
        self.say("250 taken")


class Sink(socketserver.ThreadingTCPServer):
    """Runs until stop(); `messages` are parsed mails."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Session)
        self.messages = []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A server that was killed in the middle of a mail is no error here."""

    def keep(self, raw):
        self.messages.append(email.message_from_bytes(raw, policy=email.policy.default))

    def wait(self, to, n=1, timeout=15):
        """The `n`-th message to `to`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = [m for m in self.messages if to.lower() in str(m["To"]).lower()]
            if len(found) >= n:
                return found[n - 1]
            time.sleep(0.01)
        raise AssertionError("no message %d to them" % n)

    def stop(self):
        self.shutdown()
        self.server_close()
