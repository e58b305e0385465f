"""An OpenID Connect issuer on loopback that does whatever a test wants: Google, as far as the
server can tell. Tokens are signed by openssl(1); keys are made once a process."""
import base64
import hashlib
import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .jwt import b64, dumps

_directory = tempfile.TemporaryDirectory(prefix="cloakroom-issuer-")


def _openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True,
                          check=True).stdout


def _halves(der):
    """r and s of a DER signature, 32 bytes each (RFC 7518 3.4)."""
    def integer(at):
        size = der[at + 1]
        return der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"), at + 2 + size
    r, at = integer(2)
    return r + integer(at)[0]


class Key:
    """A key pair of the issuer's (or of somebody who would like to be it)."""

    def __init__(self, kid, alg="RS256", bits=2048):
        self.kid = kid
        self.alg = alg
        self.path = os.path.join(_directory.name, "%s.%d.pem" % (kid, id(self)))
        if alg == "RS256":
            _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits,
                     "-out", self.path)
        else:
            _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-out", self.path)

    def jwk(self):
        head = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if self.alg == "ES256":
            point = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
            return {**head, "kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        text = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(text.partition("=")[2].strip())
        return {**head, "kty": "RSA", "n": b64(modulus), "e": "AQAB"}

    def public_pem(self):
        return _openssl("pkey", "-in", self.path, "-pubout")

    def sign(self, header, claims):
        text = (b64(dumps(header)) + "." + b64(dumps(claims))).encode()
        signature = _openssl("dgst", "-sha256", "-sign", self.path, data=text)
        return text.decode() + "." + b64(_halves(signature) if self.alg == "ES256" else signature)


class Issuer:
    """Runs in a thread of the test. `mode`: "ok", "down", "hang", "huge", "broken"."""

    client = "web.apps.example"
    secret = "the-client-secret-of-the-tests"

    def __init__(self):
        self.keys = [Key("one")]
        self.max_age = 3600
        self.mode = "ok"
        self.codes = {}
        self.seen = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                issuer.answer(self, None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                issuer.answer(self, dict(urllib.parse.parse_qsl(body)))

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request, address):
                pass  # a client that breaks off is what some tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    # --- what the server asks ---

    def answer(self, handler, form):
        path = handler.path.split("?")[0]
        with self.lock:
            self.seen.append(path)
        if self.mode == "hang":
            self.released.wait(30)
        if self.mode == "down":
            return self.reply(handler, 503, {})
        if self.mode == "huge":
            return self.reply(handler, 200, {"keys": [], "x": "x" * 300_000})
        if path == "/.well-known/openid-configuration":
            return self.reply(handler, 200, {
                "issuer": self.url if self.mode != "broken" else "https://evil.example",
                "authorization_endpoint": self.url + "/authorize",
                "token_endpoint": self.url + "/token", "jwks_uri": self.url + "/keys"})
        if path == "/keys":
            return self.reply(handler, 200, {"keys": [key.jwk() for key in self.keys]},
                              max_age=self.max_age)
        if path == "/token":
            return self.exchange(handler, form or {})
        return self.reply(handler, 404, {})

    def exchange(self, handler, form):
        grant = self.codes.pop(form.get("code"), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        good = grant and form.get("grant_type") == "authorization_code" and \
            form.get("client_id") == self.client and form.get("client_secret") == self.secret and \
            form.get("redirect_uri") == grant["redirect_uri"] and b64(verifier) == grant["challenge"]
        if not good:
            return self.reply(handler, 400, {"error": "invalid_grant"})
        time.sleep(grant.get("wait", 0))
        return self.reply(handler, 200, {"access_token": "x", "token_type": "Bearer",
                                         "id_token": grant["id_token"]})

    @staticmethod
    def reply(handler, status, body, max_age=None):
        data = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        if max_age is not None:
            handler.send_header("Cache-Control", "public, max-age=%d, must-revalidate" % max_age)
        handler.end_headers()
        handler.wfile.write(data)

    def count(self, path="/keys"):
        with self.lock:
            return self.seen.count(path)

    # --- what people bring ---

    def claims(self, email, /, **more):
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client, "azp": self.client,
                  "sub": hashlib.sha256(email.encode()).hexdigest()[:21], "email": email,
                  "email_verified": True, "given_name": "Ada", "family_name": "Obi",
                  "iat": now, "exp": now + 3600, "jti": os.urandom(8).hex(), **more}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, email, /, key=None, header=None, **more):
        """An ID token; a claim that is None is left out."""
        key = key or self.keys[0]
        head = {"alg": key.alg, "kid": key.kid, "typ": "JWT", **(header or {})}
        return key.sign({n: v for n, v in head.items() if v is not None},
                        self.claims(email, **more))

    def grant(self, email, redirect_uri, /, wait=0, **more):
        """An authorization code, with the verifier that belongs to it."""
        verifier = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        code = "4/" + os.urandom(16).hex()
        self.codes[code] = {"id_token": self.token(email, **more), "redirect_uri": redirect_uri,
                            "challenge": b64(hashlib.sha256(verifier.encode()).digest()),
                            "wait": wait}
        return {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
