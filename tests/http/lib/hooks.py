"""A receiver of webhooks on loopback: checks signatures, keeps what it got, answers as told."""
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "meta"))

import event_docs  # noqa: E402 (the path comes first)
import json_schema  # noqa: E402

ENVELOPE, DATA = event_docs.schemas()


def secret():
    """A fresh one, as it stands in the settings."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def signature(key, identifier, at, body):
    text = b"%s.%s.%s" % (identifier.encode(), at.encode(), body)
    mac = hmac.new(base64.b64decode(key[len("whsec_"):]), text, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


class Delivery:
    """One request: `event` is its body, `problems` what is wrong with it."""

    def __init__(self, path, headers, body, keys):
        self.path = path
        self.id = headers["webhook-id"]
        self.signatures = headers["webhook-signature"].split(" ")
        self.body = body
        self.event = json.loads(body)
        self.type = self.event["type"]
        self.user = self.event["data"]["user_id"]
        self.problems = list(self.judge(headers, keys))

    def judge(self, headers, keys):
        at = headers["webhook-timestamp"]
        for key in keys:
            if signature(key, self.id, at, self.body) not in self.signatures:
                yield "it is not signed with every secret"
        if abs(time.time() - int(at)) > 300:
            yield "its timestamp is not now: " + at
        if self.event["id"] != self.id:
            yield "webhook-id is not the event's id"
        yield from json_schema.errors(self.event, ENVELOPE, ENVELOPE)
        schema = DATA[self.type]
        yield from json_schema.errors(self.event["data"], schema, schema)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.take(Delivery(self.path, self.headers, body, self.server.keys))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Receiver(ThreadingHTTPServer):
    """Runs until stop(). `answers` are the statuses to give at /hook, then 204."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, keys, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.keys = keys
        self.answers = []
        self.deliveries = []
        self.lock = threading.Lock()
        self.url = "http://127.0.0.1:%d/hook" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A server that was killed in the middle of a delivery is no error here."""

    def take(self, delivery):
        with self.lock:
            self.deliveries.append(delivery)
            return self.answers.pop(0) if self.answers and delivery.path == "/hook" else 204

    def of(self, path="/hook"):
        """What came to `path` so far."""
        with self.lock:
            return [d for d in self.deliveries if d.path == path]

    def stop(self):
        self.shutdown()
        self.server_close()
