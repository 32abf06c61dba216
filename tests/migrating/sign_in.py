"""Imports exported lines, and signs in with the codes that the users of the source have.

    sign_in.py IMPORT ROWS EXPECTED

EXPECTED has a line for each authenticator: account, type, secret, digits, algorithm, period, t0, counter. If the source
accepted a passcode or backup code, the line has used_passcode, used_at and used_backup_code. backup_code is unused.
oathtool computes the passcodes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

IMPORT, ROWS, EXPECTED = sys.argv[1:]
ACCEPTED, REFUSED = 0, 1


def oathtool(authenticator, at):
    command = ["oathtool", "--base32", f"--digits={authenticator['digits']}"]
    if authenticator["type"] == "hotp":
        command += ["--hotp", f"--counter={authenticator['counter']}"]
    else:
        command += [f"--totp={authenticator.get('algorithm', 'SHA1').lower()}", f"--now=@{at}",
                    f"--start-time=@{authenticator['t0']}", f"--time-step-size={authenticator['period']}s"]
    secret = authenticator["secret"]
    return subprocess.run([*command, "-"], input=secret, check=True, capture_output=True, text=True).stdout.strip()


def check(database, account, code, at, expected, what):
    command = [IMPORT, "check", *database, "--account", account, "--time", str(at), code]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != expected:
        status = f"exit status {done.returncode}, expected {expected}"
        sys.exit(f"{ROWS}: account {account}: {what}: {status}\n{done.stderr}")
    counts[expected] += 1


counts = {ACCEPTED: 0, REFUSED: 0}
with tempfile.TemporaryDirectory() as directory:
    database = ["--db", os.path.join(directory, "accounts.db"), "--key", os.path.join(directory, "accounts.key")]
    done = subprocess.run([IMPORT, *database, "--min-bits", "80"], stdin=open(ROWS), capture_output=True, text=True)
    assert done.returncode == 0, f"import: exit status {done.returncode}\n{done.stdout}{done.stderr}"
    result = json.loads(done.stdout.splitlines()[-1])
    lines = sum(1 for _ in open(ROWS))
    assert result == {"imported": lines, "already": 0, "refused": []}, result

    later = int(time.time()) + 300
    for authenticator in map(json.loads, open(EXPECTED)):
        account = authenticator["account"]
        if "used_passcode" in authenticator:
            used = authenticator["used_passcode"], authenticator["used_at"]
            check(database, account, *used, REFUSED, "the used passcode")
        if "used_backup_code" in authenticator:
            check(database, account, authenticator["used_backup_code"], later, REFUSED, "the used backup code")
        if "backup_code" in authenticator:
            check(database, account, authenticator["backup_code"], later, ACCEPTED, "the backup code")
            check(database, account, authenticator["backup_code"], later, REFUSED, "the backup code again")
        at = later + 60
        passcode = oathtool(authenticator, at)
        check(database, account, passcode, at, ACCEPTED, "the passcode")
        check(database, account, passcode, at, REFUSED, "the passcode again")
codes = f"{counts[ACCEPTED]} codes accepted, {counts[REFUSED]} refused"
print(f"{os.path.basename(ROWS)}: {lines} accounts imported, {codes}")
