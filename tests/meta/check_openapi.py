#!/usr/bin/python3
"""Checks OpenAPI 3.1 documents: python3 check_openapi.py COMMAND [ARG...]

Runs COMMAND with "v1" and "v2" after its arguments and judges what it prints: the shape OpenAPI
asks for, every example against its schema, an example for every success and every declared error,
and that the two versions differ in nothing but their paths. data/countries.json, which is served
as it is, is judged by the schema that describes it.
"""
import json
import pathlib
import re
import subprocess
import sys

from json_schema import errors, resolve

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = {"get", "post", "put", "patch", "delete"}


class Checker:
    def __init__(self, name, document):
        self.name, self.document, self.problems, self.examples = name, document, [], 0

    def complain(self, where, text):
        self.problems.append(f"{self.name} {where}: {text}")

    def media(self, where, media):
        found = media.get("examples", {})
        values = [(name, e["value"]) for name, e in found.items()]
        if "example" in media:
            values.append(("example", media["example"]))
        for name, value in values:
            self.examples += 1
            for error in errors(value, media["schema"], self.document):
                self.complain(f"{where} example {name}", error)
        return dict(values)

    def response(self, where, status, response):
        if not response.get("description"):
            self.complain(where, "no description")
        for name, header in response.get("headers", {}).items():
            if "$ref" in header:
                resolve(self.document, header["$ref"])
            elif "schema" not in header:
                self.complain(where, f"header {name} has no schema")
        if status in ("204", "304"):
            return
        for kind, media in response["content"].items():
            values = self.media(f"{where} {kind}", media)
            if not values:
                self.complain(where, f"{kind} has no example")
            if status >= "400" and set(values) != set(response["description"].split(", ")):
                self.complain(where, f"examples are {sorted(values)}")
            if "Retry-After" not in response["headers"] and status in ("429", "503"):
                self.complain(where, "no Retry-After")

    def operation(self, path, method, operation):
        where = f"{method} {path}"
        for member in ("operationId", "summary", "description", "tags", "responses"):
            if not operation.get(member):
                self.complain(where, f"no {member}")
        wanted = set(re.findall(r"{(\w+)}", path))
        parameters = [resolve(self.document, p["$ref"]) if "$ref" in p else p
                      for p in operation["parameters"]]
        if wanted != {p["name"] for p in parameters if p["in"] == "path"}:
            self.complain(where, "path parameters are not those of the path")
        for scheme in operation["security"]:
            for name in scheme:
                if name not in self.document["components"]["securitySchemes"]:
                    self.complain(where, f"unknown security scheme {name}")
        body = operation.get("requestBody")
        if body:
            if not self.media(f"{where} body", body["content"]["application/json"]):
                self.complain(where, "no example of a body")
            for media in body["content"].values():
                resolve(self.document, media["schema"]["$ref"])
        successes = [s for s in operation["responses"] if s.startswith("2")]
        if len(successes) != 1:
            self.complain(where, f"successes are {successes}")
        for status, response in operation["responses"].items():
            self.response(f"{where} {status}", status, response)

    def references(self, node, where="#"):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                try:
                    resolve(self.document, node["$ref"])
                except (KeyError, AssertionError):
                    self.complain(where, f"{node['$ref']} leads nowhere")
            for key, value in node.items():
                self.references(value, f"{where}/{key}")
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self.references(value, f"{where}/{i}")

    def run(self):
        document = self.document
        if not document["openapi"].startswith("3.1."):
            self.complain("openapi", document["openapi"])
        for member in ("title", "version"):
            if not document["info"].get(member):
                self.complain("info", f"no {member}")
        self.references(document)
        ids = []
        for path, item in document["paths"].items():
            if not path.startswith(f"/api/{self.name}/"):
                self.complain(path, "a path of another version")
            for method, operation in item.items():
                if method not in METHODS:
                    self.complain(path, f"unknown method {method}")
                ids.append(operation["operationId"])
                self.operation(path, method, operation)
        if len(ids) != len(set(ids)):
            self.complain("paths", "an operationId is there twice")
        return self.problems


def read(command, version):
    text = subprocess.run(command + [version], check=True, stdout=subprocess.PIPE).stdout
    again = subprocess.run(command + [version], check=True, stdout=subprocess.PIPE).stdout
    if text != again:
        sys.exit(f"{version}: two runs print different documents")
    return json.loads(text)


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    documents = {version: read(command, version) for version in ("v1", "v2")}
    problems, examples = [], 0
    for version, document in documents.items():
        checker = Checker(version, document)
        problems += checker.run()
        examples += checker.examples
    one, two = (json.dumps(d["paths"]).replace(f"/api/{v}/", "/api/")
                for v, d in documents.items())
    if one != two or documents["v1"]["components"] != documents["v2"]["components"]:
        problems.append("v1 and v2 differ in more than their paths")
    countries = json.loads((ROOT / "data/countries.json").read_text(encoding="utf-8"))
    schema = {"$ref": "#/components/schemas/Countries"}
    problems += errors(countries, schema, documents["v1"])
    for problem in problems:
        print(problem)
    print(f"{len(documents['v1']['paths'])} paths, {examples} examples, {len(problems)} problems")
    sys.exit(1 if problems or not examples else 0)


if __name__ == "__main__":
    main()
