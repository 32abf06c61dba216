"""Makes ./users.oath for pam_oath, uses some codes, and writes ./expect.jsonl."""

import base64
import json
import os
import secrets
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pam import oathtool, service

expected = open("expect.jsonl", "w")
users = open(os.open("users.oath", os.O_CREAT | os.O_WRONLY, 0o600), "w")
now = int(time.time())
to_use = []


def entry(user, kind, counter=None, used=(), size=20, **fields):
    """A line of the users file. `used` are the passcodes to use: of these counters, or so many time steps from now."""
    key = secrets.token_bytes(size)
    digits = fields.setdefault("digits", 6)
    print(kind, user, "-", key.hex(), *([counter] if counter is not None else []), sep="\t", file=users)
    row = {"account": user, "secret": base64.b32encode(key).decode().rstrip("="), **fields}
    for use in used:
        at = now
        if fields["type"] == "hotp":
            code = oathtool("--hotp", f"--counter={use}", f"--digits={digits}", key.hex())
        else:
            at = now + use * fields["period"]
            step = f"--time-step-size={fields['period']}s"
            code = oathtool("--totp", step, f"--now=@{at}", f"--digits={digits}", key.hex())
        to_use.append((user, code, digits))
        row |= {"used_passcode": code, "used_at": at}
    if fields["type"] == "hotp":
        row["counter"] = used[-1] + 1 if used else counter
    print(json.dumps(row), file=expected)


TOTP = {"type": "totp", "period": 30, "t0": 0}
entry("ada", "HOTP/T30/6", **TOTP)
entry("ben", "HOTP/T30/6", used=[0], **TOTP)
entry("cleo", "HOTP/T30", used=[-1, 2], size=10, **TOTP)
entry("dana", "HOTP/T60/8", used=[0], **(TOTP | {"period": 60, "digits": 8}))
entry("emil", "HOTP", used=[0, 3], type="hotp")
entry("fern", "HOTP/E/8", counter=41, digits=8, type="hotp")
entry("fern", "HOTP/T30/6", used=[1], **TOTP)
users.close()
expected.close()

for user, code, digits in to_use:
    with service(f"pam_oath.so usersfile={os.path.abspath('users.oath')} window=10 digits={digits}") as accepts:
        assert accepts(user, code), user
