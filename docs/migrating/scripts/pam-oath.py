"""Writes the users file of pam_oath as JSON lines, one user a line.

    python3 pam-oath.py /etc/users.oath > rows.jsonl

Run this script in the time zone of the server: the file has local times.
"""

import base64
import hmac
import json
import re
import sys
import time

SEARCHED_STEPS = 200


def hotp(key, counter, digits):
    mac = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    number = int.from_bytes(mac[mac[-1] & 15 :][:4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def last_step(key, digits, period, passcode, used_at):
    """The step of the last accepted passcode. The file has only the passcode and the server's time."""
    step = int(time.mktime(time.strptime(used_at, "%Y-%m-%dT%H:%M:%SL"))) // period
    near = sorted(range(step - SEARCHED_STEPS, step + SEARCHED_STEPS), key=lambda candidate: abs(candidate - step))
    for candidate in near:
        if hotp(key, candidate, digits) == passcode:
            return candidate
    sys.exit(f"no time step near {used_at} has the last passcode; is this the time zone of the server?")


def authenticator(kind, key, counter="0", passcode=None, used_at=None):
    _, period, digits = re.fullmatch(r"HOTP(/E|/T(\d+))?(?:/(\d))?", kind).groups()
    key, digits = bytes.fromhex(key), int(digits or 6)
    row = {"secret": base64.b32encode(key).decode().rstrip("="), "digits": digits}
    if period is None:
        return row | {"type": "hotp", "counter": int(counter) + 1 if passcode else int(counter)}
    step = last_step(key, digits, int(period), passcode, used_at) if passcode else 0
    return row | {"type": "totp", "period": int(period), "last_step": step}


users = {}
for line in open(sys.argv[1]):
    fields = line.split()
    if fields and not fields[0].startswith("#"):
        kind, user, _, *rest = fields
        users.setdefault(user, []).append(authenticator(kind, *rest))
for user, authenticators in users.items():
    print(json.dumps({"account": user, "authenticators": authenticators}))
