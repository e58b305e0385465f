#!/usr/bin/env python3
"""What deploy/monitoring asks Prometheus for is what the server says of itself."""
import json
import os
import re
import urllib.request

from lib.case import Suite
from lib.certificate import make_certificate
from lib.server import Server, free_port

suite = Suite(__file__)
once = suite.once
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/monitoring")


def files():
    """{name: text} of the rules and the dashboard."""
    out = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            out[name] = file.read()
    return out


def metrics(server, port):
    server.start()
    with urllib.request.urlopen("http://127.0.0.1:%d/healthz" % server.port) as reply:
        reply.read()
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port) as reply:
        return reply.read().decode()


@once("every metric the rules and the dashboard name is there")
def _(t):
    port = free_port()
    server = Server(t.server.build, {"metrics_listen": "127.0.0.1:%d" % port})
    certificate, key = make_certificate(server.directory, "one")
    server.settings.update(tls_listen="127.0.0.1:%d" % free_port(), tls_certificate=certificate,
                           tls_key=key)
    text = metrics(server, port)
    server.remove()
    there = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    for name, wanted in files().items():
        names = {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"cloakroom_\w+", wanted)}
        t.ok(names, name + " asks for nothing")
        t.eq(sorted(names - there), [], name + " asks for what nobody says")


@once("every operation and code they name exists")
def _(t):
    schema = t.client.get("/api/v2/schema/").json
    operations = {o["operationId"] for path in schema["paths"].values() for o in path.values()
                  if isinstance(o, dict) and "operationId" in o}
    known = {"ok", *re.findall(r"[a-z_]+", json.dumps(schema))}
    for name, text in files().items():
        text = text.replace('\\"', '"')
        for operation in re.findall(r'operation="(\w+)"', text):
            t.ok(operation in operations, "%s: no operation %s" % (name, operation))
        for code in re.findall(r'code=~?"([\w|]+)"', text):
            for one in code.split("|"):
                t.ok(one in known, "%s: no code %s" % (name, one))


if __name__ == "__main__":
    suite.main()
