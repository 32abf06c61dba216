"""Reads a CSV file of accounts and secrets, and writes JSON lines.

    python3 columns.py base32 < accounts.csv > rows.jsonl     the secrets are base32; the others are hex and ascii
    python3 columns.py tell SECRET PASSCODE                   which of the three has this passcode now

The first line of the file names its columns: account, secret and, if you have them, type, algorithm, digits, period,
counter, last_step, name and added_at. An empty field means the default.
"""

import base64
import csv
import hmac
import json
import re
import sys
import time

NUMBERS = {"digits", "period", "counter", "last_step", "added_at"}
FIELDS = NUMBERS | {"type", "algorithm", "name"}


def from_base32(text):
    text = re.sub("[ =-]", "", text).upper()
    return base64.b32decode(text + "=" * (-len(text) % 8))


DECODE = {"base32": from_base32, "hex": bytes.fromhex, "ascii": lambda text: text.encode("ascii")}


def passcode(key, counter, digits):
    mac = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    number = int.from_bytes(mac[mac[-1] & 15 :][:4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def tell(secret, typed):
    for encoding, decode in DECODE.items():
        try:
            key = decode(secret)
        except ValueError:
            continue
        step = int(time.time()) // 30
        if typed in [passcode(key, step + ahead, len(typed)) for ahead in (-1, 0, 1)]:
            print(encoding)


def line(row, decode):
    authenticator = {"secret": base64.b32encode(decode(row["secret"])).decode().rstrip("=")}
    for field in sorted(FIELDS & row.keys()):
        if row[field]:
            authenticator[field] = int(row[field]) if field in NUMBERS else row[field]
    return {"account": row["account"], "authenticators": [authenticator], "exported_at": int(time.time())}


if sys.argv[1] == "tell":
    tell(*sys.argv[2:])
else:
    for number, row in enumerate(csv.DictReader(sys.stdin), 2):
        try:
            print(json.dumps(line(row, DECODE[sys.argv[1]])))
        except ValueError:
            print(f"line {number}, account {row['account']}: the secret is not {sys.argv[1]}", file=sys.stderr)
