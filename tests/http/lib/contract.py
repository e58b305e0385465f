"""The server's own OpenAPI documents: every reply is held to them, every declared error is hit."""
import re

from .schema import Checker, SchemaError

# v1 path suffix -> legacy alias (PRODUCT 3.1).
LEGACY = {
    "auth/register/": "/auth/register/",
    "auth/verify-otp/": "/auth/verify-otp/",
    "auth/resend-otp/": "/auth/resend-otp/",
    "auth/login/": "/auth/login/",
    "auth/google/": "/auth/google/",
    "auth/token/refresh/": "/auth/token/refresh/",
    "auth/token/verify/": "/auth/token/verify/",
    "auth/logout/": "/auth/logout/",
    "password/reset-request/": "/auth/password-reset/",
    "password/reset-confirm/": "/auth/password-reset-confirm/",
    "password/change/": "/auth/password-change/",
}
# Bodies over this many bytes are documents, the same for everybody.
LONG = 65536
# Refusals of the transport: they come before there is an operation, so none declares them.
TRANSPORT = {"bad_request", "headers_too_large", "timeout", "not_found", "method_not_allowed"}

_FROM_LEGACY = {alias: "/api/v1/" + path for path, alias in LEGACY.items()}


def mounted(mount, path):
    """Where route `path` ("auth/login/") lives under a mount; without an alias, legacy is v1."""
    if path.startswith("/"):
        return path
    if mount == "legacy":
        return LEGACY.get(path, "/api/v1/" + path)
    return "/api/%s/%s" % (mount, path)


class Operation:
    """One method of one path: its declared replies."""

    def __init__(self, name, method, path, declared):
        self.name = name
        self.method = method
        self.path = path
        self.declared = declared
        self.pattern = re.compile(re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(path.rstrip("/"))))

    def errors(self):
        """Slugs named by the examples of its refusals."""
        slugs = set()
        for status, response in self.declared.get("responses", {}).items():
            if status < "400":
                continue
            for media in response.get("content", {}).values():
                for example in media.get("examples", {}).values():
                    slugs.add(example["value"]["code"])
        return slugs


class Contract:
    """One OpenAPI document."""

    def __init__(self, document):
        self.document = document
        self.checker = Checker(document)
        self.good = set()  # long documents that were looked at before
        self.operations = []
        for path, item in document["paths"].items():
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    self.operations.append(
                        Operation(item[method]["operationId"], method.upper(), path, item[method]))

    def find(self, method, path):
        """The operation a request led to, or None."""
        path = path.split("?")[0].rstrip("/")
        path = _FROM_LEGACY.get(path + "/", path).rstrip("/")
        method = "GET" if method == "HEAD" else method
        for operation in self.operations:
            if operation.method == method and operation.pattern.fullmatch(path):
                return operation
        return None

    def problems(self, operation, reply):
        """What is wrong with a reply to `operation`, as sentences."""
        where = "%s %d" % (operation.name, reply.status)
        if reply.status >= 400 and reply.code in TRANSPORT - operation.errors():
            return []
        declared = operation.declared["responses"].get(str(reply.status))
        if declared is None:
            return ["%s %s: this status is not declared" % (where, reply.code)]
        declared = self.checker.resolve(declared["$ref"]) if "$ref" in declared else declared
        content = declared.get("content", {})
        media = (reply.header("Content-Type") or "").split(";")[0]
        if not content and not media and not reply.body:
            return []
        as_declared = next((m for m in (media, media.split("/")[0] + "/*", "*/*") if m in content),
                           None)
        if as_declared is None:
            return ["%s: %s is not declared, only %s" % (where, media, sorted(content))]
        if (operation, reply.body) in self.good:
            return []
        out = ["%s: header %s is declared but missing" % (where, name)
               for name in declared.get("headers", {}) if reply.header(name) is None]
        if media.endswith("json") and "schema" in content[as_declared]:
            try:
                found = self.checker.problems(content[as_declared]["schema"], reply.json)
            except SchemaError as error:
                found = [str(error)]
            out += ["%s: %s" % (where, problem) for problem in found]
        if reply.status >= 400 and reply.code not in operation.errors():
            out.append("%s: code %s is not declared" % (where, reply.code))
        if not out and len(reply.body) > LONG:
            self.good.add((operation, reply.body))
        return out


class Coverage:
    """Which operations answered what, over all files of a run."""

    def __init__(self):
        self.wanted = {}
        self.hits = set()

    def want(self, contract):
        for operation in contract.operations:
            self.wanted.setdefault(operation.name, set()).update({"ok"} | operation.errors())

    def hit(self, operation, code):
        self.hits.add((operation, code))

    def missing(self, only_by_faults):
        """(operation, code) pairs never seen, but for codes only a fault can bring."""
        return {(name, code) for name, codes in self.wanted.items() for code in codes
                if code not in only_by_faults and (name, code) not in self.hits}
