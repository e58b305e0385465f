"""Judges a value by the part of JSON Schema (draft 2020-12) that our OpenAPI documents use.

A keyword it does not know is an error of the schema, so nothing passes because it was not read.
"""
import re

KNOWN = {
    "$ref", "type", "description", "properties", "required", "additionalProperties", "items",
    "enum", "const", "anyOf", "allOf", "minimum", "maximum", "minLength", "maxLength", "minItems",
    "maxItems", "pattern", "format", "writeOnly",
}
FORMATS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "date": r"\d{4}-\d\d-\d\d",
    "email": r"[^@\s]+@[^@\s]+",
    "password": r"(?s:.*)",
}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


def resolve(root, ref):
    assert ref.startswith("#/"), ref
    node = root
    for part in ref[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def _bounds(value, schema, where):
    if isinstance(value, str):
        size, low, high = len(value), "minLength", "maxLength"
    elif isinstance(value, list):
        size, low, high = len(value), "minItems", "maxItems"
    elif TYPES["number"](value):
        size, low, high = value, "minimum", "maximum"
    else:
        return
    if size < schema.get(low, size):
        yield f"{where}: below {low} {schema[low]}"
    if size > schema.get(high, size):
        yield f"{where}: above {high} {schema[high]}"


def _text(value, schema, where):
    if not isinstance(value, str):
        return
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not match {schema['pattern']}"
    if "format" in schema and not re.fullmatch(FORMATS[schema["format"]], value):
        yield f"{where}: {value!r} is no {schema['format']}"


def _object(value, schema, root, where):
    if not isinstance(value, dict):
        return
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name} is missing"
    properties = schema.get("properties", {})
    for name, member in value.items():
        if name in properties:
            yield from errors(member, properties[name], root, f"{where}.{name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from errors(member, schema["additionalProperties"], root, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}: {name} is not in the schema"


def errors(value, schema, root, where="$"):
    """Yields a sentence for each way in which value is not what schema says."""
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"{where}: the schema uses {sorted(unknown)}"
    if "$ref" in schema:
        yield from errors(value, resolve(root, schema["$ref"]), root, where)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[t](value) for t in types):
        yield f"{where}: {value!r} is no {' or '.join(types)}"
    if "const" in schema and (value != schema["const"] or type(value) is not type(schema["const"])):
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "anyOf" in schema and all(list(errors(value, s, root, where)) for s in schema["anyOf"]):
        yield f"{where}: {value!r} is none of anyOf"
    for part in schema.get("allOf", []):
        yield from errors(value, part, root, where)
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from errors(item, schema["items"], root, f"{where}[{i}]")
    yield from _bounds(value, schema, where)
    yield from _text(value, schema, where)
    yield from _object(value, schema, root, where)
