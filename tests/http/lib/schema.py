"""The part of JSON Schema 2020-12 that our OpenAPI documents use, as a checker."""
import datetime
import re
import uuid

_TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}

_KNOWN = {
    "$ref", "type", "required", "properties", "additionalProperties", "items", "enum", "const",
    "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
    "allOf", "anyOf", "oneOf",
}
_ANNOTATIONS = {
    "title", "description", "example", "examples", "default", "deprecated", "readOnly",
    "writeOnly", "contentMediaType",
}


def _is_time(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", text):
        return False
    try:
        datetime.datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def _is_uuid(text):
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


_FORMATS = {
    "date-time": _is_time,
    "uuid": _is_uuid,
    "date": lambda text: re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None,
    "email": lambda text: text.count("@") >= 1,
    "uri": lambda text: re.match(r"[a-z][a-z0-9+.-]*:", text) is not None,
    "password": lambda text: True,
    "jwt": lambda text: re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", text) is not None,
    "int64": lambda text: True,
}


class SchemaError(Exception):
    """The schema itself uses something this checker does not know: no verdict is possible."""


class Checker:
    """Checks values against schemas of one document."""

    def __init__(self, document):
        self.document = document

    def resolve(self, ref):
        if not ref.startswith("#/"):
            raise SchemaError("a reference out of the document: " + ref)
        node = self.document
        for part in ref[2:].split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def problems(self, schema, value, where="body"):
        """Sentences; none when `value` is valid."""
        unknown = set(schema) - _KNOWN - _ANNOTATIONS
        if unknown:
            raise SchemaError("%s: keywords not known: %s" % (where, sorted(unknown)))
        out = []
        if "$ref" in schema:
            out += self.problems(self.resolve(schema["$ref"]), value, where)
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if not any(_TYPES[t](value) for t in types):
                return out + ["%s: %r is not %s" % (where, value, " or ".join(types))]
        if "enum" in schema and value not in schema["enum"]:
            out.append("%s: %r is none of %r" % (where, value, schema["enum"]))
        if "const" in schema and value != schema["const"]:
            out.append("%s: %r is not %r" % (where, value, schema["const"]))
        out += self._combined(schema, value, where)
        if isinstance(value, dict):
            out += self._object(schema, value, where)
        elif isinstance(value, list):
            out += self._array(schema, value, where)
        elif isinstance(value, str):
            out += self._string(schema, value, where)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                out.append("%s: %r is out of range" % (where, value))
        return out

    def _combined(self, schema, value, where):
        out = []
        for part in schema.get("allOf", []):
            out += self.problems(part, value, where)
        for word, enough in (("anyOf", lambda n: n >= 1), ("oneOf", lambda n: n == 1)):
            if word in schema:
                tried = [self.problems(part, value, where) for part in schema[word]]
                if not enough(sum(not t for t in tried)):
                    out.append("%s: not %s: %s" % (where, word, tried))
        return out

    def _object(self, schema, value, where):
        out = ["%s.%s: missing" % (where, name)
               for name in schema.get("required", []) if name not in value]
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for name, member in value.items():
            inner = "%s.%s" % (where, name)
            if name in properties:
                out += self.problems(properties[name], member, inner)
            elif others is False:
                out.append(inner + ": not declared")
            elif isinstance(others, dict):
                out += self.problems(others, member, inner)
        return out

    def _array(self, schema, value, where):
        out = []
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            out.append("%s: %d items" % (where, len(value)))
        if "items" in schema:
            for i, item in enumerate(value):
                out += self.problems(schema["items"], item, "%s[%d]" % (where, i))
        return out

    def _string(self, schema, value, where):
        out = []
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            out.append("%s: %d characters" % (where, len(value)))
        if "pattern" in schema and not re.search(schema["pattern"], value):
            out.append("%s: %r does not match %s" % (where, value, schema["pattern"]))
        if "format" in schema:
            if schema["format"] not in _FORMATS:
                raise SchemaError("%s: format %s not known" % (where, schema["format"]))
            if not _FORMATS[schema["format"]](value):
                out.append("%s: %r is no %s" % (where, value, schema["format"]))
        return out
