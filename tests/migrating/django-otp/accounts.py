"""Makes users with devices of django-otp in ./db.sqlite3, uses some codes, and writes ./expect.jsonl."""

import base64
import json
import os
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django_otp.oath import hotp
from django_otp.plugins.otp_hotp.models import HOTPDevice
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

call_command("migrate", verbosity=0)
expected = open("expect.jsonl", "w")


def expect(device, **fields):
    secret = base64.b32encode(device.bin_key).decode().rstrip("=")
    row = {"account": str(device.user_id), "secret": secret, "digits": device.digits}
    print(json.dumps(row | fields), file=expected)


def totp(username, used=None, **fields):
    """A user with a TOTP device. `used` is the code to use: 0 of the current time step, 1 of the next."""
    device = TOTPDevice.objects.create(user=User.objects.create(username=username), name="phone", **fields)
    use = {}
    if used is not None:
        now = int(time.time())
        step = (now - device.t0) // device.step + used
        code = str(hotp(device.bin_key, step, device.digits)).zfill(device.digits)
        assert device.verify_token(code)
        use = {"used_passcode": code, "used_at": now}
    return device, {"type": "totp", "period": device.step, "t0": device.t0, **use}


def tokens(user, count):
    static = StaticDevice.objects.create(user=user, name="backup")
    codes = [static.token_set.create(token=StaticToken.random_token()).token for _ in range(count)]
    assert static.verify_token(codes[0])
    return {"used_backup_code": codes[0], "backup_code": codes[1]}


device, fields = totp("ada")
expect(device, **fields)

device, fields = totp("ben", used=0)
expect(device, **fields, **tokens(device.user, 10))

device, fields = totp("cleo", used=1, key="00112233445566778899")
expect(device, **fields)

device, fields = totp("dana", used=0, t0=1_000_000_007, step=60, digits=8)
expect(device, **fields, **tokens(device.user, 3))

device = HOTPDevice.objects.create(user=User.objects.create(username="emil"))
codes = [str(hotp(device.bin_key, counter)).zfill(6) for counter in range(4)]
assert device.verify_token(codes[0]) and device.verify_token(codes[3])
expect(device, type="hotp", counter=device.counter, used_passcode=codes[3], used_at=int(time.time()))

device, fields = totp("fern", used=0)
expect(device, **fields, **tokens(device.user, 5))
second = HOTPDevice.objects.create(user=device.user, name="token", digits=8, counter=41)
expect(second, type="hotp", counter=41)

# The script leaves these users out: nothing confirmed, static tokens alone, no device.
TOTPDevice.objects.create(user=User.objects.create(username="gus"), confirmed=False)
tokens(User.objects.create(username="hana"), 2)
User.objects.create(username="ivan")
