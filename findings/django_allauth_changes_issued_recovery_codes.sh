#!/usr/bin/env bash
set -euo pipefail
# Package: django-allauth 65.22.1 (PyPI) with Django 5.2.19
# Behaviour: allauth stores a seed, and computes the recovery codes from the seed and from the settings. If
#   MFA_RECOVERY_CODE_DIGITS changes from 8 to 10, all codes that users have already saved are refused.
# Expected: the setting applies to codes that are generated from now on. Issued codes stay valid.
# Seen: `validate_code` refuses an issued, unused code after the change, and accepts it again after the way back.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check Django==5.2.19 'django-allauth[mfa]==65.22.1'
cat >try.py <<'PY'
from django.conf import settings

settings.configure(
    SECRET_KEY="a sample",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "allauth", "allauth.account", "allauth.mfa"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
    MFA_RECOVERY_CODE_DIGITS=8,
)

import django

django.setup()

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
codes = RecoveryCodes.activate(User.objects.create(username="dana"))
issued = codes.get_unused_codes()
accepted = {}
for digits, code in [(8, issued[0]), (10, issued[1]), (8, issued[1])]:
    settings.MFA_RECOVERY_CODE_DIGITS = digits
    accepted[f"{len(accepted) + 1}: MFA_RECOVERY_CODE_DIGITS = {digits}"] = codes.validate_code(code)
for step, result in accepted.items():
    print(f"{step}: an issued code of 8 digits is {'accepted' if result else 'refused'}")
raise SystemExit(list(accepted.values()) != [True, False, True])
PY
venv/bin/python try.py
