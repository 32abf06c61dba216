#!/usr/bin/env bash
set -euo pipefail
# Package: privacyIDEA 3.14 (PyPI)
# Behaviour: `pi-tokenjanitor find export --format csv` writes the key, the type, the number of digits and the period of
#   a token. It writes neither the hash algorithm nor the counter of a HOTP token, and prints no warning.
# Expected: every parameter that the passcodes depend on, or an error for a token that the format cannot describe.
# Seen: the line of a TOTP token with SHA-256 has the same form as one with SHA-1, so a reader takes it for SHA-1. A
#   HOTP token with counter 41 has a line without a counter, so a reader starts at 0.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check privacyIDEA==3.14
cat >pi.cfg <<'PY'
SECRET_KEY = PI_PEPPER = "a sample"
PI_ENCFILE = "enckey"
PI_AUDIT_NO_SIGN = PI_NO_RESPONSE_SIGN = True
PI_AUDIT_MODULE = "privacyidea.lib.auditmodules.base"
PI_LOGLEVEL = 40
PI_LOGFILE = "privacyidea.log"
PI_UUID_FILE = "uuid"
PY
echo "SQLALCHEMY_DATABASE_URI = 'sqlite:///$folder/privacyidea.db'" >>pi.cfg
head -c 96 /dev/urandom >enckey
export PRIVACYIDEA_CONFIGFILE=$folder/pi.cfg
cat >create.py <<'PY'
import os

from privacyidea.app import create_app
from privacyidea.lib.crypto import create_hsm_object
from privacyidea.lib.token import init_token
from privacyidea.models import db

app = create_app("production", config_file=os.environ["PRIVACYIDEA_CONFIGFILE"], silent=True)
with app.app_context():
    db.create_all()
    create_hsm_object(app.config)
    init_token({"serial": "ONE", "type": "totp", "genkey": 1})
    init_token({"serial": "TWO", "type": "totp", "genkey": 1, "hashlib": "sha256"})
    hotp = init_token({"serial": "THREE", "type": "hotp", "genkey": 1})
    hotp.set_otp_count(41)
PY
venv/bin/python create.py
venv/bin/pi-tokenjanitor find export --format csv --file tokens.csv >messages 2>&1
columns() { grep -w "$1" tokens.csv | tr -d ' ' | cut -d, -f4-; }
printf 'after the key: SHA-1 "%s", SHA-256 "%s", HOTP "%s"\n' "$(columns ONE)" "$(columns TWO)" "$(columns THREE)"
[ "$(columns ONE)" = totp,6,30 ] && [ "$(columns TWO)" = totp,6,30 ] && [ "$(columns THREE)" = hotp,6 ]
! grep -iE 'sha256|counter|warning' messages
