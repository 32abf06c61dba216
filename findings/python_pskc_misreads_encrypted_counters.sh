#!/usr/bin/env bash
set -euo pipefail
# Package: python-pskc 1.4 (PyPI)
# Behaviour: python-pskc encrypts a counter as a big-endian number of as few bytes as possible. When it decrypts a
#   counter, it takes bytes that are ASCII digits as decimal text. So a counter whose bytes are digits comes back as
#   another number, without an error. This concerns 48 to 57, and 12,336 to 14,649 in part.
# Expected: the counter that was written.
# Seen: a file with the counter 53 (the byte of the digit 5) is read with the counter 5.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-pskc==1.4 cryptography==50.0.2
"$folder/venv/bin/python" - "$folder/tokens.pskcxml" <<'PY'
import sys

from pskc import PSKC

read = {}
for counter in (47, 53, 12345, 58):
    file = PSKC()
    file.add_key(serial="ONE", algorithm="hotp", secret=b"12345678901234567890", counter=counter)
    file.encryption.setup_preshared_key(key=bytes(16), fields=["secret", "counter"])
    file.write(sys.argv[1])
    again = PSKC(sys.argv[1])
    again.encryption.key = bytes(16)
    read[counter] = again.keys[0].counter
for counter, found in read.items():
    print(f"the counter {counter} is read as {found}")
sys.exit(read != {47: 47, 53: 5, 12345: 9, 58: 58})
PY
