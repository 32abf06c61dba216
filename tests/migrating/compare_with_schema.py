"""Compares every exported line with the JSON Schema, and the exported accounts with the expected ones.

    compare_with_schema.py SCHEMA ROWS EXPECTED
"""

import json
import sys

from jsonschema import Draft202012Validator

schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

exported = []
for number, line in enumerate(open(sys.argv[2]), 1):
    row = json.loads(line)
    for error in validator.iter_errors(row):
        sys.exit(f"{sys.argv[2]}:{number}: {error.json_path}: {error.message}")
    exported.append(row["account"])

expected = {json.loads(line)["account"] for line in open(sys.argv[3])}
assert len(set(exported)) == len(exported), "an account has two lines"
assert set(exported) == expected, f"exported {sorted(exported)}, expected {sorted(expected)}"
assert len(expected) >= 6, "too few accounts"
print(f"{len(exported)} accounts exported; every line satisfies the schema")
