"""Makes users with tokens of privacyIDEA in ./privacyidea.db, uses some codes, and writes ./expect.jsonl."""

import base64
import json
import os
import time

from privacyidea.app import create_app
from privacyidea.lib.crypto import create_hsm_object
from privacyidea.lib.realm import set_realm
from privacyidea.lib.resolver import save_resolver
from privacyidea.lib.token import check_user_pass, enable_token, init_token
from privacyidea.lib.tokens.HMAC import HmacOtp
from privacyidea.lib.user import User
from privacyidea.models import db

import hashlib

NAMES = ["ada", "ben", "cleo", "dana", "emil", "fern", "gus", "hana", "ivan"]
with open("enckey", "wb") as key:
    key.write(os.urandom(96))
with open("passwd", "w") as passwd:
    for number, name in enumerate(NAMES, 1001):
        passwd.write(f"{name}:x:{number}:{number}::/nonexistent:/bin/false\n")
expected = open("expect.jsonl", "w")


def code_of(token, counter):
    hashes = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
    return HmacOtp(token.token.get_otpkey(), 0, token.token.otplen, hashes[token.hashlib]).generate(counter=counter)


def enroll(name, used=None, **fields):
    """A token for a user. `used` is the passcode to use: of this counter, or of the time step so far from now."""
    user = User(name, realm="shop")
    token = init_token({"genkey": 1, "pin": "1234", "description": "phone", **fields}, user=user)
    secret = base64.b32encode(bytes.fromhex(token.token.get_otpkey().getKey().decode())).decode().rstrip("=")
    row = {
        "account": str(user.uid), "type": fields["type"], "secret": secret, "digits": int(token.token.otplen),
        "algorithm": token.hashlib.upper(),
    }
    if fields["type"] == "totp":
        row |= {"period": token.timestep, "t0": 0}
    now = int(time.time())
    if used is not None:
        at, counter = now, used
        if fields["type"] == "totp":
            at, counter = now + used * token.timestep, now // token.timestep + used
        code = code_of(token, counter)
        accepted, reply = check_user_pass(user, "1234" + code)
        assert accepted, reply
        row |= {"used_passcode": code, "used_at": at}
    if fields["type"] == "hotp":
        row["counter"] = 0 if used is None else used + 1
    print(json.dumps(row), file=expected)
    return token


app = create_app("production", config_file=os.environ["PRIVACYIDEA_CONFIGFILE"], silent=True)
with app.app_context():
    db.create_all()
    create_hsm_object(app.config)
    save_resolver({"resolver": "staff", "type": "passwdresolver", "fileName": os.path.abspath("passwd")})
    set_realm("shop", [{"name": "staff"}])
    enroll("ada", type="totp")
    enroll("ben", type="totp", used=0)
    enroll("cleo", type="totp", used=4)
    enroll("dana", type="totp", used=0, timeStep=60, hashlib="sha256", otplen=8)
    enroll("emil", type="hotp", used=7)
    enroll("fern", type="totp", used=-2)
    enroll("fern", type="hotp")
    enroll("gus", type="totp", used=0, genkey=0, otpkey="00112233445566778899")

    # The script leaves these users out: disabled, a token of another type.
    enable_token(init_token({"type": "totp", "genkey": 1}, user=User("hana", realm="shop")).token.serial, enable=False)
    init_token({"type": "pw", "otpkey": "not a real password"}, user=User("ivan", realm="shop"))
