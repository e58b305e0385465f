#!/usr/bin/env python3
"""An HTTP server for tests of outgoing requests; also an SMS gateway shaped like Twilio's.

Tells everything as JSON lines on stdout:

    {"event": "ready", "port": 40123}
    {"event": "request", "method", "path", "headers", "body"}
    {"event": "sms", "user", "To", "From", "Body"}     a POST to …/Messages.json
    {"event": "hook", "path", "headers", "body", "status"}     a POST to /hook/…

GET paths:   /hello   /large/N (N bytes)   /redirect   /hang   /slow (a byte now and then)
Messages to numbers that end in 429, 500, 400, 401 get that status, the first two at the first
attempt only, 429 with Retry-After: 7. /hook/NAME/N-N-… answers with those statuses, the last for
ever. /version1/messaging answers as Africa's Talking, with the number's last digits for +1555….
"""
import argparse
import base64
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

output_lock = threading.Lock()
seen = set()
hooks = {}


def tell(event, **fields):
    with output_lock:
        print(json.dumps({"event": event, **fields}), flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell_request(self, body=""):
        headers = {name.lower(): value for name, value in self.headers.items()}
        tell("request", method=self.command, path=self.path, headers=headers, body=body)

    def do_GET(self):
        self.tell_request()
        if self.path.startswith("/hello"):
            self.reply(200, b'{"hello":"world"}', Content_Type="application/json",
                       Cache_Control="max-age=60", Retry_After="3")
        elif self.path.startswith("/large/"):
            self.reply(200, b"x" * int(self.path.rpartition("/")[2]))
        elif self.path == "/redirect":
            self.reply(302, Location="/hello")
        elif self.path == "/hang":
            self.rfile.read(1)
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b".")
                    time.sleep(0.01)
            except OSError:
                pass
        else:
            self.reply(404, b"nothing here")

    def take_hook(self, body):
        """The statuses in the path, one after the other; 0 is no reply at all."""
        statuses = self.path.rpartition("/")[2].split("-")
        with output_lock:
            nth = hooks[self.path] = hooks.get(self.path, -1) + 1
        status = int(statuses[min(nth, len(statuses) - 1)])
        headers = {name.lower(): value for name, value in self.headers.items()}
        tell("hook", path=self.path, headers=headers, body=body, status=status)
        if status:
            self.reply(status, b"")
        else:
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path.startswith("/hook/"):
            self.take_hook(body)
            return
        if self.path == "/version1/messaging":
            self.tell_request(body)
            to = urllib.parse.parse_qs(body)["to"][0]
            code = int(to[-3:]) if to.startswith("+1555") else 101
            self.reply(201, json.dumps({"SMSMessageData": {"Recipients": [
                {"number": to, "statusCode": code}]}}).encode(), Content_Type="application/json")
            return
        if not self.path.endswith("/Messages.json"):
            self.tell_request(body)
            self.reply(200, body.encode())
            return
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        scheme, _, code = self.headers.get("Authorization", " ").partition(" ")
        user = base64.b64decode(code).decode() if scheme == "Basic" else ""
        to = form["To"]
        first = to not in seen
        seen.add(to)
        if to.endswith("429") and first:
            self.reply(429, b"{}", Retry_After="7")
        elif to.endswith("500") and first:
            self.reply(500, b"{}")
        elif to.endswith("400"):
            self.reply(400, b'{"code":21211}')
        elif to.endswith("401"):
            self.reply(401, b"{}")
        else:
            tell("sms", user=user, **form)
            self.reply(201, b'{"sid":"SM1","status":"queued"}', Content_Type="application/json")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        pass  # a client that breaks off is what some tests are about


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell("ready", port=server.server_address[1])
    sys.stdin.read()  # ends when the test that started us does


main()
