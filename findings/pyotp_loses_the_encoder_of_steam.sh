#!/usr/bin/env bash
set -euo pipefail
# Package: pyotp 2.12.1 (PyPI)
# Behaviour: `pyotp.contrib.Steam(...).provisioning_uri()` writes a key URI without `encoder=steam`, and with ten
#   digits. A reader cannot see that the entry is for Steam Guard.
# Expected: `encoder=steam`, which `pyotp.parse_uri` reads since 2.9.0.
# Seen: `otpauth://totp/...` with `digits=10`, which `pyotp.parse_uri` itself refuses.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyotp==2.12.1
"$folder/venv/bin/python" - <<'PY'
import pyotp

entry = pyotp.contrib.Steam("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", name="dana", issuer="Shop")
uri = entry.provisioning_uri()
print(f"pyotp writes {uri}")
try:
    read = pyotp.parse_uri(uri)
    raise SystemExit(f"pyotp reads it as {type(read).__name__}")
except ValueError as error:
    print(f"pyotp refuses it: {error}")
assert "encoder=" not in uri and "digits=10" in uri
PY
