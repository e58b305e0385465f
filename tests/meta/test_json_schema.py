#!/usr/bin/python3
"""The judge of examples, judged: what it must let pass and what it must not."""
import unittest

from json_schema import errors

ROOT = {"components": {"schemas": {"Name": {"type": "string", "minLength": 2}}}}
GOOD = [
    ({"type": "object", "required": ["a"]}, {"a": 1, "b": 2}),
    ({"$ref": "#/components/schemas/Name"}, "ab"),
    ({"type": ["string", "null"]}, None),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 7),
    ({"const": True}, True),
    ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, [True, False]),
    ({"type": "string", "format": "uuid"}, "01942f3c-4b5a-7c6d-8e7f-0123456789ab"),
]
BAD = [
    ({"type": "object", "required": ["a"]}, {"b": 2}),
    ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": None}),
    ({"$ref": "#/components/schemas/Name"}, "a"),
    ({"type": "integer"}, True),
    ({"type": "integer", "minimum": 1}, 0),
    ({"const": True}, 1),
    ({"enum": ["a"]}, "b"),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "x"),
    ({"allOf": [{"type": "string"}, {"minLength": 3}]}, "ab"),
    ({"type": "array", "items": {"type": "boolean"}}, [True, 0]),
    ({"type": "array", "maxItems": 1}, [1, 2]),
    ({"additionalProperties": {"type": "string"}}, {"a": 1}),
    ({"additionalProperties": False}, {"a": 1}),
    ({"type": "string", "format": "date-time"}, "yesterday"),
    ({"type": "string", "pattern": "^a"}, "b"),
    ({"unheardOf": 1}, "anything"),
]


class JsonSchema(unittest.TestCase):
    def test_good_values_pass(self):
        for schema, value in GOOD:
            with self.subTest(schema=schema, value=value):
                self.assertEqual(list(errors(value, schema, ROOT)), [])

    def test_bad_values_do_not(self):
        for schema, value in BAD:
            with self.subTest(schema=schema, value=value):
                self.assertTrue(list(errors(value, schema, ROOT)))


if __name__ == "__main__":
    unittest.main()
