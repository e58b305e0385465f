#!/usr/bin/env python3
"""An SMTP server for tests: keeps nothing, tells everything as JSON lines on stdout.

    {"event": "ready", "port": 40123}
    {"event": "message", "helo", "from", "to", "data", "tls", "user", "options", "parsed"}
                                 parsed: as Python's e-mail package reads it
    {"event": "greylisted" | "refused" | "hanging", "to"}
    {"event": "closed"}          a session ended, by QUIT or without

The local part of the recipient's address says how it is treated; anything else is accepted:

    greylist…   451 at the first attempt, accepted from the second
    reject…     550 at RCPT
    spam…       554 after the content
    hang…       no answer to the end of the content, for as long as the client stays
    hangquit…   accepted, then no answer to QUIT
    rejectquit… 550, then no answer to QUIT
"""
import argparse
import base64
import email
import email.policy
import json
import socketserver
import ssl
import subprocess
import sys
import threading
from pathlib import Path

output_lock = threading.Lock()


def tell(event, **fields):
    with output_lock:
        print(json.dumps({"event": event, **fields}), flush=True)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def make_certificates(folder):
    """A throwaway authority (ca.pem) and a certificate of it for this machine (server.pem)."""
    folder = Path(folder)
    if (folder / "server.pem").exists():
        return server_context(folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
            "-days", "2", "-subj", "/CN=Throwaway authority of a test")
    openssl("req", *key, "-keyout", folder / "server.key", "-out", folder / "server.csr",
            "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem",
            "-CAkey", folder / "ca.key", "-CAcreateserial", "-out", folder / "server.pem",
            "-days", "2", "-extfile", folder / "names")
    return server_context(folder)


def server_context(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


def parse(data):
    """What a mail program would show, and what it would complain about; None of less than a mail."""
    mail = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    if not mail["from"]:
        return None
    parts = {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}
    lines = data.split(b"\r\n")
    return {
        "headers": {name.lower(): str(value) for name, value in mail.items()},
        "names": [name.lower() for name in mail.keys()],
        "type": mail.get_content_type(),
        "text": parts["text/plain"].get_content().replace("\r\n", "\n"),
        "html": parts["text/html"].get_content().replace("\r\n", "\n")
        if "text/html" in parts else "",
        "from_name": mail["from"].addresses[0].display_name,
        "from_address": mail["from"].addresses[0].addr_spec,
        "defects": sum(len(part.defects) for part in mail.walk()) +
        sum(len(value.defects) for value in mail.values()),
        "longest_line": max(map(len, lines)),
        "bare_newlines": sum(b"\n" in line or b"\r" in line for line in lines),
    }


class Session(socketserver.StreamRequestHandler):
    def setup(self):
        self.tls = False
        if self.server.options.tls == "implicit":
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            self.tls = True
        super().setup()
        self.helo, self.user, self.deaf_at_quit = None, None, False
        self.reset()

    def reset(self):
        self.sender, self.recipients, self.mail_options = None, [], []

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def hang(self, why):
        """No answer until the client gives up."""
        tell("hanging", to=why)
        while self.rfile.readline():
            pass
        raise ConnectionError

    def handle(self):
        try:
            self.say("220 localhost ready")
            while True:
                line = self.rfile.readline()
                if not line:
                    break
                words = line.decode().strip().split(" ", 1)
                command = getattr(self, "do_" + words[0].lower(), None)
                if not command:
                    self.say("502 5.5.1 not known here")
                elif command(words[1] if len(words) > 1 else ""):
                    break
        except (OSError, ssl.SSLError):
            pass
        tell("closed")

    def do_ehlo(self, name):
        options = self.server.options
        self.helo = name
        lines = ["localhost", "SMTPUTF8", "8BITMIME", "SIZE 1000000"]
        if options.tls == "starttls" and not self.tls:
            lines.append("STARTTLS")
        elif options.auth:
            lines.append("AUTH " + options.mechanism)
        for i, text in enumerate(lines):
            self.say(f"250{' ' if i == len(lines) - 1 else '-'}{text}")

    def do_starttls(self, _):
        self.say("220 go ahead")
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.tls = True
        super().setup()
        self.helo, self.user = None, None

    def do_auth(self, words):
        mechanism, _, initial = words.partition(" ")
        if mechanism == "PLAIN":
            if not initial:
                self.say("334 ")
                initial = self.rfile.readline().decode().strip()
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            answers = []
            for prompt in ("Username:", "Password:"):
                if prompt == "Username:" and initial:
                    answers.append(base64.b64decode(initial).decode())
                    continue
                self.say("334 " + base64.b64encode(prompt.encode()).decode())
                answers.append(base64.b64decode(self.rfile.readline()).decode())
            user, password = answers
        if f"{user}:{password}" == self.server.options.auth:
            self.user = user
            self.say("235 2.7.0 welcome")
        else:
            self.say("535 5.7.8 that is not your password")

    def do_mail(self, words):
        if self.server.options.auth and not self.user:
            self.say("530 5.7.0 log in first")
            return
        address, *self.mail_options = words.partition(":")[2].split(" ")
        self.sender = address.strip("<>")
        self.say("250 2.1.0 ok")

    def do_rcpt(self, words):
        to = words.partition(":")[2].split(" ")[0].strip("<>")
        self.deaf_at_quit |= "quit" in to
        if to.startswith("reject"):
            tell("refused", to=to)
            self.say(f"550 5.1.1 <{to}> does not live here")
            return
        with self.server.lock:
            again = to in self.server.seen
            self.server.seen.add(to)
        if to.startswith("greylist") and not again:
            tell("greylisted", to=to)
            self.say("451 4.7.1 come back later")
            return
        self.recipients.append(to)
        self.say("250 2.1.5 ok")

    def do_data(self, _):
        self.say("354 go on")
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                raise ConnectionError
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        to = self.recipients[0]
        if to.startswith("hang") and not to.startswith("hangquit"):
            self.hang(to)
        if to.startswith("spam"):
            tell("refused", to=to)
            self.say("554 5.7.1 we do not want that")
            return
        tell("message", helo=self.helo, to=self.recipients, tls=self.tls, user=self.user,
             data=b"".join(lines).decode(), options=self.mail_options,
             parsed=parse(b"".join(lines)), **{"from": self.sender})
        self.say("250 2.0.0 taken")

    def do_rset(self, _):
        self.reset()
        self.say("250 2.0.0 ok")

    def do_quit(self, _):
        if self.deaf_at_quit:
            self.hang("quit")
        self.say("221 2.0.0 bye")
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, address):
        pass  # a client that breaks off is what many tests are about


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--certificates", help="folder for a throwaway authority (ca.pem)")
    parser.add_argument("--auth", help="USER:PASSWORD that must be given")
    parser.add_argument("--mechanism", default="PLAIN LOGIN")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Session)
    server.options = options
    server.lock = threading.Lock()
    server.seen = set()
    server.context = make_certificates(options.certificates) if options.certificates else None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell("ready", port=server.server_address[1])
    sys.stdin.read()  # ends when the test that started us does


main()
