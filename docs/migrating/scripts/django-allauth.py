"""Writes the authenticators of django-allauth's mfa as JSON lines, one user a line.

    PYTHONPATH=. DJANGO_SETTINGS_MODULE=shop.settings python django-allauth.py > rows.jsonl

Users without TOTP are left out. Standard error names what else is left out.
"""

import json
import sys

import django

django.setup()

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.utils import decrypt
from django.contrib.auth import get_user_model


def totp(instance):
    # allauth remembers used passcodes only in its cache. No passcode after this step was accepted.
    last_use = max(instance.created_at, instance.last_used_at or instance.created_at).timestamp()
    return {
        "type": "totp",
        "secret": decrypt(instance.data["secret"]).rstrip("="),
        "digits": app_settings.TOTP_DIGITS,
        "period": app_settings.TOTP_PERIOD,
        "added_at": int(instance.created_at.timestamp()),
        "last_step": int(last_use) // app_settings.TOTP_PERIOD + app_settings.TOTP_TOLERANCE,
    }


def recovery_codes(instance):
    codes = RecoveryCodes(instance)
    unused = set(codes.get_unused_codes())
    used_at = int((instance.last_used_at or instance.created_at).timestamp())
    entries = [
        {"code": code} if code in unused else {"code": code, "used_at": used_at}
        for code in codes.generate_codes()
        if code.isdigit() and len(code) == app_settings.RECOVERY_CODE_DIGITS
    ]
    if len(entries) < len(codes.generate_codes()):
        print(f"user {instance.user_id}: some recovery codes have another shape", file=sys.stderr)
    shape = {"alphabet": "0123456789", "length": app_settings.RECOVERY_CODE_DIGITS}
    return {**shape, "issued_at": int(instance.created_at.timestamp()), "codes": entries}


for user in get_user_model().objects.prefetch_related("authenticator_set").order_by("pk").iterator(chunk_size=1000):
    found = {instance.type: instance for instance in user.authenticator_set.all()}
    if Authenticator.Type.TOTP in found:
        row = {"account": str(user.pk), "authenticators": [totp(found[Authenticator.Type.TOTP])]}
        if Authenticator.Type.RECOVERY_CODES in found:
            codes = recovery_codes(found[Authenticator.Type.RECOVERY_CODES])
            if codes["codes"]:
                row["backup_codes"] = codes
        print(json.dumps(row))
    elif found:
        print(f"user {user.pk}: {', '.join(sorted(found))} without TOTP", file=sys.stderr)
