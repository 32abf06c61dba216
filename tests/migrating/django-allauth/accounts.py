"""Makes users of django-allauth in ./db.sqlite3, uses some codes, and writes ./expect.jsonl."""

import json
import os
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import encrypt
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
expected = open("expect.jsonl", "w")


def use(wrapper, code):
    """Signs in with a code, as AuthenticateForm does."""
    assert wrapper.validate_code(code)
    wrapper.instance.record_usage()


def enroll(username, used=None, length=20):
    """A user with TOTP. `used` is the code to use: 0 of the current time step, 1 of the next."""
    user = User.objects.create(username=username)
    secret = auth.generate_totp_secret(length)
    totp = auth.TOTP.activate(user, secret)
    fields = {"account": str(user.pk), "type": "totp", "secret": secret, "digits": 6, "period": 30, "t0": 0}
    if used is not None:
        now = int(time.time())
        code = auth.format_hotp_value(auth.hotp_value(secret, now // 30 + used))
        use(totp, code)
        fields |= {"used_passcode": code, "used_at": now}
    return user, fields


def recover(user, indexes):
    """Recovery codes, of which those with these indexes are used."""
    codes = RecoveryCodes.activate(user).generate_codes()
    for index in indexes:
        use(RecoveryCodes.activate(user), codes[index])
    unused = RecoveryCodes.activate(user).get_unused_codes()
    return {"backup_code": unused[0], **({"used_backup_code": codes[indexes[-1]]} if indexes else {})}


def expect(fields, **more):
    print(json.dumps(fields | more), file=expected)


user, fields = enroll("ada")
expect(fields)

user, fields = enroll("ben", used=0)
expect(fields, **recover(user, []))

user, fields = enroll("cleo", used=1)
expect(fields, **recover(user, [0]))

user, fields = enroll("dana", used=0)
expect(fields, **recover(user, [9, 2, 5]))

user, fields = enroll("emil", used=0, length=10)
expect(fields, **recover(user, [1]))

user, fields = enroll("fern")
codes = ["20468913", "77120345", "90031187"]
data = {"migrated_codes": [encrypt(code) for code in codes]}
Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data=data)
use(RecoveryCodes.activate(user), codes[1])
expect(fields, used_backup_code=codes[1], backup_code=codes[2])

user, fields = enroll("gus", used=0)
recover(user, range(9))
use(RecoveryCodes.activate(user), RecoveryCodes.activate(user).get_unused_codes()[0])
expect(fields, used_backup_code=RecoveryCodes.activate(user).generate_codes()[0])

# The script leaves these users out: recovery codes alone, nothing.
recover(User.objects.create(username="hana"), [])
User.objects.create(username="ivan")
