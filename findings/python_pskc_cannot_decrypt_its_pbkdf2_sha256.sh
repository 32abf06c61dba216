#!/usr/bin/env bash
set -euo pipefail
# Package: python-pskc 1.4 (PyPI)
# Behaviour: `setup_pbkdf2(..., prf="hmac-sha256")` writes the name of the function as the text of the element `PRF`. The
#   reader of python-pskc looks for it in an attribute `Algorithm`, finds none and uses HMAC-SHA-1.
# Expected: python-pskc decrypts its own file with the right password.
# Seen: DecryptionError. A file with the default function is decrypted.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-pskc==1.4 cryptography==50.0.2
"$folder/venv/bin/python" - "$folder/tokens.pskcxml" <<'PY'
import sys

from pskc import PSKC
from pskc.exceptions import DecryptionError

read = {}
for prf in (None, "hmac-sha256"):
    file = PSKC()
    file.add_key(serial="ONE", algorithm="totp", secret=b"12345678901234567890")
    file.encryption.setup_pbkdf2("a sample", prf=prf)
    file.write(sys.argv[1])
    again = PSKC(sys.argv[1])
    again.encryption.derive_key("a sample")
    try:
        read[prf] = again.keys[0].secret
    except DecryptionError as error:
        read[prf] = type(error).__name__
    print(f"PRF {prf}: {read[prf]}")
sys.exit(read != {None: b"12345678901234567890", "hmac-sha256": "DecryptionError"})
PY
