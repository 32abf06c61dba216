"""Makes files of pam_google_authenticator in ./homes, uses some codes, and writes ./expect.jsonl."""

import getpass
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pam import oathtool, service

expected = open("expect.jsonl", "w")
homes = pathlib.Path("homes").absolute()


def create(name, *options):
    file = homes / name / ".google_authenticator"
    file.parent.mkdir(parents=True)
    command = ["google-authenticator", "--force", "--no-confirm", "--no-rate-limit", "--qr-mode=NONE"]
    command += ["--window-size=3", f"--label={name}", "--issuer=Shop", f"--secret={file}", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return file


def totp(name, *options, period=30, used=None, skew=0):
    """A user with TOTP. `used` is the passcode to use, in time steps from the current one."""
    file = create(name, "--time-based", f"--step-size={period}", *options)
    lines = file.read_text().splitlines()
    if skew:
        lines.insert(1, f'" TIME_SKEW {skew}')
        file.chmod(0o600)
        file.write_text("\n".join(lines) + "\n")
    row = {"account": name, "type": "totp", "secret": lines[0], "digits": 6, "period": period, "t0": 0}
    if used is not None:
        at = int(time.time()) + used * period
        code = oathtool("--base32", "--totp", f"--time-step-size={period}s", f"--now=@{at}", lines[0])
        assert accepts(name, code)
        row |= {"used_passcode": code, "used_at": at}
    return row, [line for line in lines if line.isdigit()]


def recover(row, codes):
    assert accepts(row["account"], codes[2])
    return {"used_backup_code": codes[2], "backup_code": codes[0]}


def expect(row, more={}):
    print(json.dumps(row | more), file=expected)


module = f"pam_google_authenticator.so secret={homes}/${{USER}}/.google_authenticator user={getpass.getuser()}"
with service(module) as accepts:
    expect(totp("ada", "--disallow-reuse")[0])
    row, codes = totp("ben", "--disallow-reuse", used=0)
    expect(row, recover(row, codes))
    row, codes = totp("cleo", "--disallow-reuse", "--emergency-codes=10", used=1)
    expect(row, recover(row, codes))
    expect(totp("dana", "--disallow-reuse", "--emergency-codes=0", period=60, used=0)[0])
    row, codes = totp("emil", "--allow-reuse", used=1)
    expect(row, recover(row, codes))
    expect(totp("fern", "--disallow-reuse", used=5, skew=5)[0])

    secret, *lines = create("gus", "--counter-based").read_text().splitlines()
    codes = [oathtool("--base32", "--hotp", f"--counter={counter}", secret) for counter in range(4)]
    assert accepts("gus", codes[1]) and accepts("gus", codes[3])
    row = {"account": "gus", "type": "hotp", "secret": secret, "digits": 6, "counter": 4}
    row |= {"used_passcode": codes[3], "used_at": int(time.time())}
    expect(row, recover(row, [line for line in lines if line.isdigit()]))
