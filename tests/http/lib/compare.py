"""Two runs of one case, made comparable: what must differ is named, the rest must be equal."""
import re

from .contract import LONG

# Headers that differ from call to call by their nature.
_IGNORED_HEADERS = {"date", "x-request-id", "server-timing"}
_PER_CALL = {"retry-after": "<seconds>", "etag": "<version>"}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_ONCE = {"otp", "device", "next_cursor"}


def _text(value, names):
    for real, name in names.items():
        value = re.sub(re.escape(real), name, value, flags=re.IGNORECASE)
    for pattern, name in ((_JWT, "<jwt>"), (_UUID, "<uuid>"), (_TIME, "<time>")):
        value = pattern.sub(name, value)
    return value


def normal(value, names, key=None):
    """JSON with ids, times, tokens and this run's people renamed."""
    if isinstance(value, dict):
        return {_text(k, names): normal(v, names, k) for k, v in value.items()}
    if isinstance(value, list):
        return [normal(v, names) for v in value]
    if isinstance(value, str):
        return "<%s of %d>" % (key, len(value)) if key in _ONCE else _text(value, names)
    return value


def normal_headers(headers):
    out = []
    for name, value in headers:
        if name.lower() in _IGNORED_HEADERS:
            continue
        out.append((name, _PER_CALL.get(name.lower(), value)))
    return out


def normal_reply(reply, names):
    """A reply as a plain structure."""
    media = (reply.header("Content-Type") or "").split(";")[0]
    is_message = media.endswith("json") and len(reply.body) <= LONG
    body = normal(reply.json, names) if is_message else reply.body
    return {"status": reply.status, "headers": normal_headers(reply.headers), "body": body}


def difference(a, b, path=""):
    """The first place where two structures differ, as a sentence; None when they are equal."""
    if type(a) is not type(b):
        return "%s: %r against %r" % (path or ".", a, b)
    if isinstance(a, dict):
        for key in sorted(set(a) | set(b), key=str):
            if key not in a or key not in b:
                return "%s.%s: only on one side" % (path, key)
            found = difference(a[key], b[key], "%s.%s" % (path, key))
            if found:
                return found
        return None
    if isinstance(a, (list, tuple)):
        for i, (x, y) in enumerate(zip(a, b)):
            found = difference(x, y, "%s[%d]" % (path, i))
            if found:
                return found
        if len(a) != len(b):
            return "%s: %d against %d: %r" % (path or ".", len(a), len(b),
                                               (a if len(a) > len(b) else b)[min(len(a), len(b)):])
        return None
    return None if a == b else "%s: %r against %r" % (path or ".", a, b)
