"""Makes PSKC files with python-pskc: plain.xml, key.xml with key.txt, password.xml with password.txt; and expect.jsonl."""

import base64
import json
import os
import secrets
import subprocess
import time

import pskc

os.umask(0o077)
expected = open("expect.jsonl", "w")
now = int(time.time())


def oathtool(*arguments):
    return subprocess.run(["oathtool", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def token(file, account, algorithm="SHA1", digits=6, size=20, period=None, counter=None, is_used=False, **fields):
    """A token. If it is used, the file has the step of the last passcode, which must be refused."""
    key = secrets.token_bytes(size)
    row = {"account": account, "secret": base64.b32encode(key).decode().rstrip("="), "digits": digits}
    if counter is not None:
        fields |= {"algorithm": "urn:ietf:params:xml:ns:keyprov:pskc:hotp", "counter": counter}
        row |= {"type": "hotp", "counter": counter}
        if counter:
            code = oathtool("--hotp", f"--counter={counter - 1}", f"--digits={digits}", key.hex())
            row |= {"used_passcode": code, "used_at": now}
    else:
        fields |= {"algorithm": "urn:ietf:params:xml:ns:keyprov:pskc:totp", "time_interval": period}
        row |= {"type": "totp", "algorithm": algorithm, "period": period or 30, "t0": 0}
        if is_used:
            fields["time_offset"] = now // row["period"]
            code = oathtool(f"--totp={algorithm.lower()}", f"--time-step-size={row['period']}s", f"--now=@{now}",
                            f"--digits={digits}", key.hex())
            row |= {"used_passcode": code, "used_at": now}
    if (algorithm, digits) != ("SHA1", 6):
        fields |= {"algorithm_suite": f"HMAC-{algorithm}", "response_length": digits, "response_encoding": "DECIMAL"}
    file.add_key(id=account, secret=key, manufacturer="Sample Tokens", **fields)
    print(json.dumps(row), file=expected)


plain = pskc.PSKC()
token(plain, "900100001", serial="900100001")
token(plain, "dana", serial="900100002", key_userid="dana", period=60, digits=8, is_used=True)
token(plain, "erin", serial="900100003", device_userid="erin", algorithm="SHA256", size=32, period=30, is_used=True)
token(plain, "900100004", serial="900100004", counter=0)
plain.write("plain.xml")

encrypted = pskc.PSKC()
token(encrypted, "900100005", serial="900100005", counter=41, digits=8)
token(encrypted, "900100006", serial="900100006", algorithm="SHA512", size=64, period=30, is_used=True)
key = secrets.token_bytes(32)
encrypted.encryption.setup_preshared_key(
    key=key, algorithm="aes256-cbc", key_name="Sample", fields=["secret", "counter"]
)
encrypted.write("key.xml")
print(key.hex(), file=open("key.txt", "w"))

encrypted = pskc.PSKC()
token(encrypted, "900100007", serial="900100007", period=30)
token(encrypted, "900100008", serial="900100008", counter=7)
encrypted.encryption.setup_pbkdf2("correct horse", fields=["secret", "counter", "time_interval"])
encrypted.write("password.xml")
print("correct horse", file=open("password.txt", "w"))
