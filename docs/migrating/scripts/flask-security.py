"""Writes the second factors of Flask-Security-Too (SQLAlchemy) as JSON lines, one user a line.

    PYTHONPATH=. python flask-security.py shop:app > rows.jsonl

Users whose method is not an authenticator app are left out. Standard error names what else is left out.
"""

import importlib
import json
import sys
import time

RECOVERY_CODE = {"alphabet": "0123456789abcdef", "length": 12, "group": 4, "separator": "-"}


def authenticator(user):
    totp = security.totp_factory._totp.from_source(user.tf_totp_secret)
    last_counter = security.totp_factory.get_last_counter(user)
    if last_counter is None:
        # No passcode after this step was accepted: the window reaches so far into the future.
        last_counter = (int(time.time()) + app.config["SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY"]) // totp.period
    return {
        "type": "totp",
        "secret": totp.base32_key.rstrip("="),
        "algorithm": totp.alg.upper(),
        "digits": totp.digits,
        "period": totp.period,
        "last_step": last_counter,
    }


def recovery_codes(user):
    stored = security.datastore.mf_get_recovery_codes(user)
    codes = security.mf_recovery_codes_util.get_recovery_codes(user)
    if len(codes) < len(stored):
        print(f"user {user.id}: {len(stored) - len(codes)} recovery codes are expired or unreadable", file=sys.stderr)
    return {**RECOVERY_CODE, "codes": [{"code": code} for code in codes]}


module, _, name = sys.argv[1].partition(":")
app = getattr(importlib.import_module(module), name or "app")
with app.app_context():
    security = app.extensions["security"]
    users = security.datastore.user_model.query.order_by("id").yield_per(1000)
    for user in users:
        if user.tf_primary_method == "authenticator" and user.tf_totp_secret:
            row = {"account": str(user.id), "authenticators": [authenticator(user)]}
            codes = recovery_codes(user)
            if codes["codes"]:
                row["backup_codes"] = codes
            print(json.dumps(row))
        elif user.tf_primary_method:
            print(f"user {user.id}: the method is {user.tf_primary_method}", file=sys.stderr)
