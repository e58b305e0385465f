#!/usr/bin/env python3
"""What anybody may read: countries, the OpenAPI documents and their page, health, metrics; and the
inbox of a development server."""
import base64
import hashlib
import json
import re
import urllib.parse

import uuid
from lib.case import Suite
from lib.client import Client
from lib.contract import LEGACY, Contract
from lib.schema import Checker
from lib.server import Server, free_port
from lib.wire import Wire, request

suite = Suite(__file__)
case, once = suite.case, suite.once


def cached(t, path):
    """A document has a strong tag and gives 304 to whoever has it."""
    reply = t.send("GET", path)
    t.eq(reply.status, 200, path)
    tag = reply.header("ETag")
    t.ok(re.fullmatch(r'"[!#-~]+"', tag or ""), "ETag %r of %s" % (tag, path))
    t.ok("max-age=" in reply.header("Cache-Control"), "it may not be cached")
    for value in (tag, "W/" + tag, '"x", ' + tag, "*"):
        again = t.client.get(path, [("If-None-Match", value)])
        t.eq((again.status, again.body), (304, b""), "If-None-Match " + value)
        t.eq(again.header("ETag"), tag)
    t.eq(t.client.get(path, [("If-None-Match", '"other"')]).status, 200)
    head = t.client.call("HEAD", path)
    t.eq((head.status, head.header("Content-Length")), (200, str(len(reply.body))), "HEAD " + path)
    return reply


@case("countries: codes, dial codes, money, flag, states; for anybody")
def _(t):
    reply = t.get("countries/")
    every = {c["iso2"]: c for c in reply.data["countries"]}
    t.ok(len(every) >= 249, "%d countries" % len(every))
    t.eq(len(every), len({c["iso3"] for c in every.values()}), "three-letter codes")
    nigeria = every["NG"]
    t.eq((nigeria["name"], nigeria["dial_code"], nigeria["currency"]["code"], nigeria["flag"]),
         ("Nigeria", "+234", "NGN", "\U0001f1f3\U0001f1ec"))
    t.ok(len(nigeria["states"]) == 37, "%d states" % len(nigeria["states"]))
    t.ok(all(re.fullmatch(r"[A-Z]{2}", code) for code in every))
    cached(t, t.path("countries/"))
    ada = t.sign_up()
    t.get("countries/", [("Authorization", "Bearer " + ada.tokens["access"])])
    t.get("countries/", [("Authorization", "Bearer nonsense")], want=401, code="token_invalid")
    t.logout(ada.tokens["refresh"])
    t.get("countries/", [("Authorization", "Bearer " + ada.tokens["access"])], want=401,
          code="token_revoked")


@once("both documents are OpenAPI 3.1 and describe the same interface")
def _(t):
    documents = {}
    for version in ("v1", "v2"):
        reply = cached(t, "/api/%s/schema/" % version)
        t.eq(reply.header("Content-Type"), "application/json")
        document = documents[version] = reply.json
        t.eq(document["openapi"], "3.1.0")
        for path, item in document["paths"].items():
            t.ok(path.startswith("/api/%s/" % version) and path.endswith("/"), path)
            for operation in item.values():
                t.ok(operation["summary"] and operation["description"], path + " is not explained")
                t.ok(operation["responses"], path + " has no replies")
    a, b = (json.dumps(d["paths"], sort_keys=True) for d in documents.values())
    t.eq(a.replace("/api/v1/", "/api/v2/"), b, "paths of v2")
    t.eq(documents["v1"]["components"], documents["v2"]["components"])


@once("every example is valid against its own schema; every error has one")
def _(t):
    for version in ("v1", "v2"):
        contract = Contract(t.client.get("/api/%s/schema/" % version).json)
        checker = Checker(contract.document)
        for operation in contract.operations:
            bodies = [operation.declared.get("requestBody", {})]
            bodies += operation.declared["responses"].values()
            good = 0
            for body in bodies:
                for media, content in body.get("content", {}).items():
                    examples = [e["value"] for e in content.get("examples", {}).values()]
                    examples += [content["example"]] if "example" in content else []
                    for example in examples:
                        found = checker.problems(content["schema"], example)
                        t.eq(found, [], "%s, an example of %s" % (operation.name, media))
                        good += 1
            t.ok(good > 0, operation.name + " has no example")
            for status, response in operation.declared["responses"].items():
                if status >= "400":
                    slugs = {s.strip() for s in response["description"].split(",")}
                    shown = {e["value"]["code"] for c in response["content"].values()
                             for e in c["examples"].values()}
                    t.eq(shown, slugs, "examples of %s %s" % (operation.name, status))


@once("every path of the documents answers, every alias too")
def _(t):
    for version in ("v1", "v2"):
        contract = Contract(t.client.get("/api/%s/schema/" % version).json)
        for operation in contract.operations:
            path = operation.path.replace("{file}", "init.js")
            path = re.sub("{[a-z]+}", str(uuid.UUID(int=0)), path)
            t.ok(t.client.call("OPTIONS", path).status == 204, "OPTIONS " + path)
            allow = t.client.call("OPTIONS", path).header("Allow").split(", ")
            t.ok(operation.method in allow, "%s is not allowed on %s" % (operation.method, path))
            alias = operation.declared.get("x-legacy-alias")
            if alias:
                t.eq(LEGACY.get(path.replace("/api/%s/" % version, "")), alias)
                t.ok(t.client.call("OPTIONS", alias).status == 204, "OPTIONS " + alias)


@once("the page to read and try the interface is served from here, with a strict policy")
def _(t):
    for version in ("v1", "v2"):
        reply = cached(t, "/api/%s/docs/" % version)
        t.eq(reply.header("Content-Type"), "text/html; charset=utf-8")
        policy = reply.header("Content-Security-Policy")
        t.ok("default-src 'none'" in policy and "frame-ancestors 'none'" in policy, policy)
        t.ok("unsafe-eval" not in policy and "script-src 'self';" in policy, policy)
        page = reply.body.decode()
        t.ok(not re.search(r"<script(?![^>]*src=)", page), "an inline script")
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        t.ok(len(links) >= 3, links)
        for link in links:
            path = urllib.parse.urljoin("/api/%s/docs/" % version, link)
            t.ok(path.startswith("/api/%s/docs/" % version), "it leaves the house: " + link)
            kind = cached(t, path).header("Content-Type")
            wanted = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
            t.ok(kind.split(";")[0] == wanted[path.rsplit(".", 1)[1]], "%s is %s" % (path, kind))
        start = t.client.get("/api/%s/docs/init.js" % version).body.decode()
        t.ok("schema" in start and "http://" not in start and "https://" not in start, start)
    for name in ("nothing.js", "..", "%2e%2e%2fserver.c", "init.js%00", ".", "init.js/x"):
        t.eq(t.send("GET", "/api/v1/docs/" + name).status, 404, name)


@once("health and readiness")
def _(t):
    for path in ("/healthz", "/readyz", "/healthz/"):
        reply = t.client.get(path)
        t.eq((reply.status, reply.data), (200, {"status": "ok"}), path)
        t.eq(reply.header("Cache-Control"), "no-store")
    t.eq(t.client.call("POST", "/healthz", {}).status, 405)
    t.eq(t.client.get("/metrics").status, 404, "metrics on the public listener")


@once("metrics, on a listener of their own")
def _(t):
    port = free_port()
    server = Server(t.server.build, {"metrics_listen": "127.0.0.1:%d" % port})
    try:
        server.start()
        client = Client(server)
        for version in ("v1", "v2"):
            client.post("/api/%s/auth/login/" % version, {"email_or_phone": "a@b.example",
                                                          "password": "x"})
        with Wire(port) as wire:
            wire.send(request("GET", "/metrics"))
            reply = wire.read()
            wire.send(request("GET", "/api/v1/me/"))
            t.eq(wire.read().status, 404, "another route on that listener")
        t.eq(reply.status, 200)
        t.ok(reply.header("Content-Type").startswith("text/plain; version=0.0.4"))
        text = reply.body.decode()
        samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                t.ok(re.match(r"# (HELP|TYPE) [a-z_]+ ", line), line)
                continue
            match = re.fullmatch(r"([a-z_:]+(?:\{[^}]*\})?) ([0-9.eE+-]+|\+Inf|NaN)", line)
            t.ok(match, "not Prometheus: " + line)
            t.ok(match.group(1) not in samples, "twice: " + line)
            samples[match.group(1)] = float(match.group(2))
        for engine in ("sync", "async"):
            t.ok(any('engine="%s"' % engine in name and 'login' in name
                     and "invalid_credentials" in name and value >= 1
                     for name, value in samples.items()), "no login counted on " + engine)
        client.close()
        t.eq(server.finish(), [])
    finally:
        server.remove()


@case("the inbox of a development server, for programs and for people")
def _(t):
    ada = t.people.person()
    t.register(ada, first_name="<b>Ada</b>")
    item = t.mail(ada.email)
    t.eq(set(item), {"to", "channel", "subject", "text", "code", "link", "at"}, "members")
    t.eq((item["to"], item["channel"]), (ada.email, "email"))
    t.ok(item["subject"] and item["code"] in item["text"])
    t.register(ada)
    first, second = [t.mail(ada.email, 2), item]
    t.eq(t.inbox(ada.email), [first, second], "newest first")
    page = t.client.get("/dev/inbox/?to=" + ada.email, [("Accept", "text/html,*/*;q=0.8")])
    t.eq(page.header("Content-Type"), "text/html; charset=utf-8")
    t.ok("default-src 'none'" in page.header("Content-Security-Policy"))
    text = page.body.decode()
    t.ok(first["code"] in text and "<b>Ada" not in text, "the page")
    style = re.search("<style>(.*)</style>", text, re.S).group(1)
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    t.ok("'sha256-%s'" % allowed in page.header("Content-Security-Policy"), "the page's style")
    t.eq(t.inbox("nobody@example.com"), [])
    t.ok(ada.email in json.dumps(t.client.get("/dev/inbox/").json), "everything")


if __name__ == "__main__":
    suite.main()
