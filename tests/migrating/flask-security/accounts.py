"""Makes users of Flask-Security-Too in ./shop.db, uses some codes, and writes ./expect.jsonl."""

import json
import time

from passlib.totp import TOTP
from shop import User, app, db, security

expected = open("expect.jsonl", "w")
datastore, totp_factory = security.datastore, security.totp_factory
codes = app.extensions["security"].mf_recovery_codes_util


def enroll(email, used=None, method="authenticator", secret=None):
    """A user with a second factor. `used` is the code to use, in steps from the current one."""
    user = datastore.create_user(email=email, password="not used here")
    datastore.tf_set(user, method, totp_secret=secret or totp_factory.generate_totp_secret())
    db.session.commit()
    totp = totp_factory._totp.from_source(user.tf_totp_secret)
    fields = {"account": str(user.id), "type": "totp", "secret": totp.base32_key, "digits": 6, "period": 30, "t0": 0}
    if used is not None:
        now = int(time.time())
        code = totp.generate(now + 30 * used).token
        window = app.config["SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY"]
        assert totp_factory.verify_totp(code, user.tf_totp_secret, user, window=window)
        fields |= {"used_passcode": code, "used_at": now + 30 * used}
        db.session.commit()
    return user, fields


def recover(user):
    issued = codes.create_recovery_codes(user)
    assert codes.check_recovery_code(user, issued[1]) and codes.delete_recovery_code(user, issued[1])
    db.session.commit()
    return {"used_backup_code": issued[1], "backup_code": issued[3]}


def expect(fields, **more):
    print(json.dumps(fields | more), file=expected)


with app.app_context():
    db.create_all()

    user, fields = enroll("ada@example.com")
    expect(fields)

    user, fields = enroll("ben@example.com", used=0)
    expect(fields, **recover(user))

    user, fields = enroll("cleo@example.com", used=3)
    expect(fields, **recover(user))

    # As without StoringTotp: no counter is stored, and a passcode of a clock that is fast was used.
    user, fields = enroll("dana@example.com", used=3)
    user.last_counter = None
    expect(fields, **recover(user))

    # A secret of an older key of SECURITY_TOTP_SECRETS, and a secret that is not encrypted.
    older = TOTP.using(issuer="Shop", secrets={1: app.config["SECURITY_TOTP_SECRETS"][1]}).new().to_json(encrypt=True)
    user, fields = enroll("emil@example.com", used=0, secret=older)
    expect(fields)
    user, fields = enroll("fern@example.com", used=-1, secret=TOTP.new(size=10).to_json(encrypt=False))
    expect(fields)

    # The script leaves these users out: codes by mail, no second factor.
    enroll("gus@example.com", method="email")
    datastore.create_user(email="hana@example.com", password="not used here")
    db.session.commit()
