#!/usr/bin/env python3
"""A server without --dev: no code in any reply, no inbox, real mail, nothing loosened unasked."""
import re
import socket
import time

from lib.case import Suite
from lib.server import Server
from lib.smtp import Sink
from lib.trial import Trial

suite = Suite(__file__)
once = suite.once

# What DEFAULTS loosens for speed is a refusal here.
STRICT = {"password_iterations": "600000", "net_allow_private": "true",
          "mail_from": "Cloakroom <no-reply@example.com>"}


def smtp_url(port):
    return "smtp://127.0.0.1:%d?starttls=never" % port


class Production:
    """A server and a mail sink for one case."""

    def __init__(self, t, **settings):
        self.sink = Sink()
        settings = {**STRICT, "smtp_url": smtp_url(self.sink.port), **settings}
        self.server = Server(t.server.build, settings, dev=False)

    def __enter__(self):
        try:
            self.server.start()
        except Exception:
            self.sink.stop()
            self.server.remove()
            raise
        self.trial = Trial(self.server, "v2", {}, None)
        return self.trial, self.sink, self.server

    def __exit__(self, kind, *_):
        self.trial.close()
        problems = [] if kind else self.server.finish()
        self.sink.stop()
        self.server.remove()
        assert not problems, problems


@once("the code comes by mail, in text and HTML, and nowhere else")
def _(t):
    with Production(t) as (p, sink, _):
        ada = p.people.person()
        reply = p.post("auth/register/", {**ada.identity, "password": ada.password,
                                          "first_name": "Ad\u00e0"}, want=201)
        t.ok("otp" not in reply.data["verification"], "a code in the reply")
        t.eq(reply.header("Server-Timing"), None, "Server-Timing")
        t.eq(p.client.get("/dev/inbox/").status, 404, "the dev inbox")
        mail = sink.wait(ada.email)
        text = mail.get_body(("plain",)).get_content()
        page = mail.get_body(("html",)).get_content()
        code = re.search(r"(?<!\d)\d{6}(?!\d)", text).group()
        t.ok(code in page and "Ad\u00e0" not in text + page, text)
        t.ok("no-reply@example.com" in mail["From"] and mail["Subject"] and mail["Date"]
             and mail["Message-ID"], mail.items())
        tokens = p.verify(reply.data["verification"]["flow_id"], code).data
        p.me(tokens["access"])
        p.register(ada)
        second = sink.wait(ada.email, 2).get_body(("plain",)).get_content()
        t.ok(not re.search(r"(?<!\d)\d{6}(?!\d)", second), "a code to somebody who has an account")


@once("in staging only the recipients named for tests see their code in the reply")
def _(t):
    with Production(t, environment="staging",
                    otp_test_recipients="qa@example.com, qb@example.com") as (p, _, _):
        for address, shown in (("qa@example.com", True), ("QB@example.com", True),
                               (p.people.email(), False)):
            reply = p.send("POST", "auth/register/", {"email": address,
                                                      "password": p.people.password()})
            t.eq("otp" in reply.data["verification"], shown, address)


@once("a mail server that is away delays no reply; the mail comes when it is back")
def _(t):
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        port = hole.getsockname()[1]
        with Production(t, smtp_url=smtp_url(port), outbox_first_retry="1s",
                        outbox_last_retry="1s") as (p, _, _):
            ada = p.people.person()
            began = time.monotonic()
            p.register(ada)
            t.ok(time.monotonic() - began < 5, "the reply waited")
            t.until(lambda: p.trail.query("SELECT 1 FROM outbox WHERE attempts > 0"), "an attempt")
            hole.close()
            late = Sink(port)
            late.wait(ada.email)
            late.stop()


if __name__ == "__main__":
    suite.main()
