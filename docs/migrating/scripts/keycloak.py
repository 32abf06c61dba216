"""Reads the users of a Keycloak export, and writes their second factors as JSON lines, one user a line.

    bin/kc.sh export --dir /tmp/export --realm shop --users different_files
    python3 keycloak.py /tmp/export/shop-users-*.json > rows.jsonl

Users without an OTP credential are left out.
"""

import base64
import json
import sys
import time

# The symbols of a recovery code: 12 of these 34, without separators.
RECOVERY_CODE = {"alphabet": "ABCDEFGHIJKLMNPQRSTUVWXYZ123456789", "length": 12}


def authenticator(credential):
    data = json.loads(credential["credentialData"])
    text = json.loads(credential["secretData"])["value"]
    # Without secretEncoding, the key is the bytes of the text.
    key = text if data.get("secretEncoding") else base64.b32encode(text.encode()).decode()
    row = {"type": data["subType"], "secret": key.rstrip("="), "digits": data["digits"]}
    row["algorithm"] = data["algorithm"].removeprefix("Hmac")
    if credential.get("userLabel"):
        row["name"] = credential["userLabel"]
    if credential.get("createdDate"):
        row["added_at"] = credential["createdDate"] // 1000
    return row | ({"counter": data["counter"]} if data["subType"] == "hotp" else {"period": data["period"]})


def recovery_codes(credential):
    hashes = [code["encodedHashedValue"].rstrip("=") for code in json.loads(credential["secretData"])["codes"]]
    return {**RECOVERY_CODE, "codes": [{"hash": f"$sha512$${value}"} for value in hashes]}


for file in sys.argv[1:]:
    for user in json.load(open(file))["users"]:
        found = user.get("credentials", [])
        authenticators = [authenticator(credential) for credential in found if credential["type"] == "otp"]
        codes = [recovery_codes(credential) for credential in found if credential["type"] == "recovery-authn-codes"]
        row = {"account": user["id"], "authenticators": authenticators, "exported_at": int(time.time())}
        if codes and codes[0]["codes"]:
            row["backup_codes"] = codes[0]
        if authenticators:
            print(json.dumps(row))
