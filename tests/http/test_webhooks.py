#!/usr/bin/env python3
"""Events from the call that causes them to a receiver that checks them against docs/events.md."""
from lib import hooks
from lib.case import Suite
from lib.server import Server
from lib.trial import Trial

suite = Suite(__file__)
once = suite.once


class Shop:
    """A server with receivers: `shop` gets everything, `crm` sessions only."""

    def __init__(self, t, **settings):
        self.keys = [hooks.secret(), hooks.secret()]
        self.receiver = hooks.Receiver(self.keys)
        self.server = Server(t.server.build, {
            "webhook_urls": "shop=%s, crm=%s/crm" % (self.receiver.url, self.receiver.url),
            "webhook_secrets": ",".join(
                "%s=%s" % (name, key) for name in ("shop", "crm") for key in self.keys),
            "webhook_events": "crm=session.*",
            "outbox_first_retry": "20ms",
            "outbox_last_retry": "40ms",
            **settings,
        })
        self.contracts = t.contracts
        for key in self.keys:
            self.server.canary.add("webhook secret", key)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.receiver.stop()
        self.server.remove()

    def trial(self, mount):
        return Trial(self.server, mount, self.contracts, None)

    def run(self, *arguments):
        return self.server.run(*arguments).stdout.decode()


def _types(deliveries, user):
    return [d.type for d in deliveries if d.user == user]


def _life(trial):
    """Somebody registers, proves the address, fails once, signs in again and leaves."""
    ada = trial.people.person()
    flow = trial.register(ada)
    user = trial.verify(flow["flow_id"], flow["otp"]).data["user"]["id"]
    trial.login(ada, want=401, password=trial.people.password())
    trial.logout(trial.login(ada).data["refresh"])
    return user


@once("a life's events arrive signed, in order, and say nothing about the person")
def _(t):
    with Shop(t) as shop:
        wanted = ["user.registered", "user.logged_in", "user.verified", "user.login_failed",
                  "user.logged_in", "session.revoked"]
        for mount in ("v1", "v2", "legacy"):
            trial = shop.trial(mount)
            user = _life(trial)
            trial.close()
            t.until(lambda u=user: len(_types(shop.receiver.of(), u)) == len(wanted), "events")
            t.eq(_types(shop.receiver.of(), user), wanted, "events on " + mount)
            t.until(lambda u=user: _types(shop.receiver.of("/hook/crm"), u), "events at crm")
            t.eq(_types(shop.receiver.of("/hook/crm"), user), ["session.revoked"], "at crm")
        for delivery in shop.receiver.deliveries:
            t.eq(delivery.problems, [], delivery.type)
            for kind, value in shop.server.canary.secrets.items():
                if isinstance(value, bytes):
                    t.ok(value not in delivery.body, "%s in an event" % kind)
            t.ok(b"example.com" not in delivery.body, "an address in an event")
        t.eq(shop.server.finish(), [])


@once("a password's events arrive as well")
def _(t):
    with Shop(t) as shop:
        trial = shop.trial("v2")
        ada, new = trial.sign_up(), trial.people.password()
        user = ada.tokens["user"]["id"]
        trial.post("password/change/", {"current_password": ada.password, "new_password": new},
                   [("Authorization", "Bearer " + ada.tokens["access"])])
        trial.post("password/reset-request/", {"email_or_phone": ada.email})
        trial.post("password/reset-request/", {"email_or_phone": trial.people.email()})
        trial.close()
        shop.server.run("user", "set-password", ada.email, "--password-stdin",
                        text=ada.password + "\n")
        wanted = ["password.changed", "password.reset_requested", "password.changed"]
        t.until(lambda: len(_types(shop.receiver.of(), user)) == 3 + len(wanted), "events")
        t.eq(_types(shop.receiver.of(), user)[3:], wanted)
        t.eq([d.problems for d in shop.receiver.deliveries if d.problems], [])


@once("a failed delivery comes again under the same id, and those behind it after it")
def _(t):
    with Shop(t) as shop:
        shop.receiver.answers = [500, 302, 400]
        trial = shop.trial("v2")
        user = _life(trial)
        trial.close()
        t.until(lambda: len(_types(shop.receiver.of(), user)) >= 9, "events")
        got = [d for d in shop.receiver.of() if d.user == user]
        t.eq(len({d.id for d in got[:4]}), 1, "ids of the first four attempts")
        t.eq(len({d.body for d in got[:4]}), 1, "bodies of the first four attempts")
        t.eq([d.problems for d in got if d.problems], [])
        t.eq([d.type for d in got[4:]], ["user.logged_in", "user.verified", "user.login_failed",
                                         "user.logged_in", "session.revoked"])


@once("dead events let others pass, are listed by sink, and are sent again when asked")
def _(t):
    with Shop(t) as shop:
        shop.receiver.answers = [410]
        trial = shop.trial("v1")
        user = _life(trial)
        trial.close()
        t.until(lambda: len(_types(shop.receiver.of(), user)) == 6, "events")
        first = shop.receiver.of()[0]
        dead = t.until(lambda: shop.run("outbox", "list", "--state", "dead"), "a dead event")
        t.ok("webhook:shop" in dead and "user.registered" in dead and "410" in dead, dead)
        t.ok("1 to be tried" in shop.run("outbox", "replay", "--sink", "webhook:shop"), "one")
        t.until(lambda: len(_types(shop.receiver.of(), user)) == 7, "it again")
        again = shop.receiver.of()[-1]
        t.eq((again.id, again.body), (first.id, first.body), "what came again")
        t.until(lambda: not shop.run("outbox", "list", "--state", "pending"), "an end")
        t.ok("0 to be tried" in shop.run("outbox", "replay", "--sink", "webhook:shop"), "none")
        t.ok("6 to be tried" in shop.run(
            "outbox", "replay", "--sink", "webhook:shop", "--since", "1h"), "all")
        t.until(lambda: len(_types(shop.receiver.of(), user)) == 13, "all again")
        t.eq([d.id for d in shop.receiver.of()[7:]],
             [first.id] + [d.id for d in shop.receiver.of()[1:6]], "their order")
        t.eq(shop.server.run("outbox", "replay", "--since", "1h").returncode, 2)


@once("a receiver that is away holds up nobody, and gets everything when it is back")
def _(t):
    with Shop(t) as shop:
        port = shop.receiver.server_address[1]
        shop.receiver.stop()
        trial = shop.trial("v2")
        user = _life(trial)
        trial.close()
        t.until(lambda: shop.server.run("outbox", "list", "--state", "pending").stdout, "a row")
        t.eq(trial.client.get("/healthz").status, 200)
        back = shop.receiver = hooks.Receiver(shop.keys, port)
        t.until(lambda: len(_types(back.of(), user)) == 6, "events")
        t.eq([d.problems for d in back.deliveries if d.problems], [])
        t.eq(shop.server.finish(), [])


if __name__ == "__main__":
    suite.main()
