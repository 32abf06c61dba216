"""Answers JSON lines with pyotp."""

import hashlib
import json
import sys

import pyotp

HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


def made(case):
    common = {
        "digits": case["digits"],
        "digest": HASHES[case["algorithm"]],
        "name": case["account"],
        "issuer": case["issuer"],
    }
    if case["type"] == "totp":
        return pyotp.TOTP(case["secret"], interval=case["period"], **common)
    return pyotp.HOTP(case["secret"], initial_count=int(case["counter"]), **common)


def code(otp, case):
    return otp.at(case["time"]) if isinstance(otp, pyotp.TOTP) else otp.at(0)


def verified(otp, case, typed):
    if isinstance(otp, pyotp.TOTP):
        return otp.verify(typed, for_time=case["time"])
    # pyotp counts from the initial counter, as in `at`.
    return otp.verify(typed, 0)


def read(case):
    otp = pyotp.parse_uri(case["uri"])
    is_totp = isinstance(otp, pyotp.TOTP)
    return {
        "type": "totp" if is_totp else "hotp",
        "issuer": otp.issuer,
        "prefix": None,
        "account": otp.name,
        "secret": otp.secret,
        "algorithm": otp.digest().name.upper(),
        "digits": otp.digits,
        "period": otp.interval if is_totp else None,
        "counter": None if is_totp else str(otp.initial_count),
        "code": code(otp, case),
    }


def answer(case):
    if case["do"] == "read":
        return read(case)
    otp = made(case)
    if case["do"] == "write":
        return {"uri": otp.provisioning_uri()}
    return {"code": code(otp, case), "verified": [verified(otp, case, typed) for typed in case["typed"]]}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:  # Any error is a refusal.
        said = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
