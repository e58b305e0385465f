#!/usr/bin/python3
"""Write data/countries.json, what countries/ answers with, from public sources.

    apt-get install iso-codes
    npm pack cldr-core@48.2.0 cldr-numbers-full@48.2.0
    tools/make_countries.py --cldr . --phones PhoneNumberMetadata.xml > data/countries.json

Countries and subdivisions: Debian's iso-codes (ISO 3166-1, 3166-2). Currencies, their names and
symbols: Unicode CLDR. Dial codes: resources/PhoneNumberMetadata.xml of google/libphonenumber.
"""

import argparse
import json
import pathlib
import re
import tarfile
import unicodedata
import xml.etree.ElementTree


def sort_key(name):
    """Letters without their marks, so that Åland stands under A."""
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)), name


def read_iso(folder, part):
    return json.loads((folder / f"iso_{part}.json").read_text("utf-8"))[part]


def read_cldr(folder, package, path):
    [archive] = folder.glob(f"{package}-*.tgz")
    with tarfile.open(archive) as tar:
        return json.load(tar.extractfile(f"package/{path}"))


def dial_codes(path):
    """Calling code by region; regions of "001" are not countries."""
    root = xml.etree.ElementTree.parse(path).getroot()
    return {t.get("id"): "+" + t.get("countryCode") for t in root.iter("territory")}


def legal_tender(currencies):
    """Of those in use as money of a region the first: CLDR lists them by preference."""
    for entry in currencies:
        for code, facts in entry.items():
            if "_to" not in facts and facts.get("_tender") != "false":
                return code
    return None


def currency_of(code, names):
    if code in (None, "XXX"):
        return None
    facts = names[code]
    symbol = facts.get("symbol-alt-narrow") or facts.get("symbol") or code
    return {"code": code, "name": facts["displayName"], "symbol": symbol}


def plain_name(name):
    """ISO gives other languages' names after ";" and in brackets; the first will do."""
    return re.split(r";|\[", name)[0].strip(" *")


def states_of(country, subdivisions):
    """The first level only: what stands on an envelope."""
    states = [
        {"code": s["code"], "name": plain_name(s["name"])}
        for s in subdivisions
        if s["code"].startswith(country + "-") and "parent" not in s
    ]
    return sorted(states, key=lambda s: sort_key(s["name"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--iso", type=pathlib.Path, default="/usr/share/iso-codes/json")
    parser.add_argument("--cldr", type=pathlib.Path, required=True)
    parser.add_argument("--phones", type=pathlib.Path, required=True)
    args = parser.parse_args()

    subdivisions = read_iso(args.iso, "3166-2")
    regions = read_cldr(args.cldr, "cldr-core", "supplemental/currencyData.json")
    regions = regions["supplemental"]["currencyData"]["region"]
    names = read_cldr(args.cldr, "cldr-numbers-full", "main/en/currencies.json")
    names = names["main"]["en"]["numbers"]["currencies"]
    dial = dial_codes(args.phones)

    countries = [
        {
            "name": c.get("common_name", c["name"]),
            "iso2": c["alpha_2"],
            "iso3": c["alpha_3"],
            "numeric": c["numeric"],
            "dial_code": dial.get(c["alpha_2"]),
            "currency": currency_of(legal_tender(regions[c["alpha_2"]]), names),
            "flag": c["flag"],
            "states": states_of(c["alpha_2"], subdivisions),
        }
        for c in read_iso(args.iso, "3166-1")
    ]
    countries.sort(key=lambda c: sort_key(c["name"]))
    # A country a line: small on the wire, and a diff shows what changed.
    lines = (json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in countries)
    print('{"countries":[' + ",\n".join(lines) + "]}")


if __name__ == "__main__":
    main()
