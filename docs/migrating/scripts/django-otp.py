"""Writes the devices of django-otp as JSON lines, one user a line.

    PYTHONPATH=. DJANGO_SETTINGS_MODULE=shop.settings python django-otp.py > rows.jsonl

Users without a confirmed TOTP or HOTP device are left out. Standard error names what else is left out.
"""

import base64
import json
import re
import sys

import django

django.setup()

from django.apps import apps
from django.contrib.auth import get_user_model

STATIC_TOKEN = {"alphabet": "abcdefghijklmnopqrstuvwxyz234567", "length": 8}


def entry(device, **fields):
    fields["secret"] = base64.b32encode(device.bin_key).decode().rstrip("=")
    fields["digits"] = device.digits
    if device.name:
        fields["name"] = device.name
    if device.created_at:
        fields["added_at"] = int(device.created_at.timestamp())
    return fields


def totp(device):
    if abs(device.drift) > 1:
        print(f"user {device.user_id}: the phone's clock is off by {device.drift} time steps", file=sys.stderr)
    return entry(device, type="totp", period=device.step, t0=device.t0, last_step=max(device.last_t, 0))


def hotp(device):
    return entry(device, type="hotp", counter=device.counter)


def line(user):
    authenticators = []
    for plugin, convert in [("totp", totp), ("hotp", hotp)]:
        if apps.is_installed(f"django_otp.plugins.otp_{plugin}"):
            devices = getattr(user, f"{plugin}device_set").all()
            authenticators += [convert(device) for device in devices if device.confirmed]
    row = {"account": str(user.pk), "authenticators": authenticators}
    if apps.is_installed("django_otp.plugins.otp_static"):
        devices = [device for device in user.staticdevice_set.all() if device.confirmed]
        tokens = sorted({token.token for device in devices for token in device.token_set.all()})
        codes = [{"code": token} for token in tokens if re.fullmatch("[a-z2-7]{8}", token)]
        if len(codes) < len(tokens):
            print(f"user {user.pk}: {len(tokens) - len(codes)} static tokens have another shape", file=sys.stderr)
        if codes:
            row["backup_codes"] = {**STATIC_TOKEN, "codes": codes}
    return row


sets = {"totp": "totpdevice_set", "hotp": "hotpdevice_set", "static": "staticdevice_set__token_set"}
installed = [name for plugin, name in sets.items() if apps.is_installed(f"django_otp.plugins.otp_{plugin}")]
for user in get_user_model().objects.prefetch_related(*installed).order_by("pk").iterator(chunk_size=1000):
    row = line(user)
    if row["authenticators"]:
        print(json.dumps(row))
    elif "backup_codes" in row:
        print(f"user {user.pk}: static tokens without a TOTP or HOTP device", file=sys.stderr)
