"""Writes the files of pam_google_authenticator as JSON lines, one file a line.

    python3 google-authenticator-pam.py /home/*/.google_authenticator > rows.jsonl

The account is the name of the directory. Standard error names users whose clock is off.
"""

import base64
import json
import pathlib
import sys
import time

SCRATCH_CODE = {"alphabet": "0123456789", "length": 8}


def authenticator(user, secret, options):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    row = {"secret": base64.b32encode(key).decode().rstrip("="), "digits": 6}
    if "HOTP_COUNTER" in options:
        return row | {"type": "hotp", "counter": int(options["HOTP_COUNTER"])}
    period = int(options.get("STEP_SIZE", 30))
    skew = int(options.get("TIME_SKEW", 0))
    if abs(skew) > 1:
        print(f"{user}: the phone's clock is off by {skew} time steps", file=sys.stderr)
    # The last step that the window has reached: the limit if the file does not list the used steps.
    reached = int(time.time()) // period + skew + int(options.get("WINDOW_SIZE", 3)) // 2
    used = options.get("DISALLOW_REUSE", str(reached)).split()
    steps = [int(step) for step in used] + ([reached] if skew else [])
    return row | {"type": "totp", "period": period, "last_step": max(steps, default=0)}


for file in map(pathlib.Path, sys.argv[1:]):
    secret, *lines = file.read_text().splitlines()
    options = dict(line[2:].partition(" ")[::2] for line in lines if line.startswith('" '))
    codes = [{"code": line} for line in lines if line.isdigit() and len(line) == 8]
    row = {"account": file.parent.name, "authenticators": [authenticator(file.parent.name, secret, options)]}
    if codes:
        row["backup_codes"] = {**SCRATCH_CODE, "codes": codes}
    print(json.dumps(row))
