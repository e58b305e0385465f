"""Tokens as an attacker makes them: taken apart, changed, signed again with any key."""
import base64
import hashlib
import hmac
import json


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    """(header, claims) of a token, unverified."""
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


def dumps(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def sign(header, claims, key, digest=hashlib.sha256):
    """A compact JWS; header and claims may be dicts or raw bytes."""
    text = b64(dumps(header)) + "." + b64(dumps(claims))
    return text + "." + b64(hmac.new(key, text.encode(), digest).digest())


def resign(token, key, header=None, **claims):
    """The same token with members changed (None: removed), signed with `key`."""
    old_header, old = parts(token)
    new = {k: v for k, v in {**old, **claims}.items() if v is not None}
    return sign({**old_header, **(header or {})}, new, key)
