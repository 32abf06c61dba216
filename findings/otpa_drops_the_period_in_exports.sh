#!/usr/bin/env bash
set -euo pipefail
# Package: otpa 0.0.2 (PyPI)
# Behaviour: `otpa cm` converts a key URI with a period of 60 seconds into an export of Google Authenticator, without an
#   error or a warning. An export has no period, so every reader uses 30 seconds. The entry then shows other passcodes.
#   A key URI with seven digits becomes an entry with six digits in the same way.
# Expected: an error that names the period or the number of digits.
# Seen: exit status 0. `otpa ca` reads the export back as `period=30` and without `digits`.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install otpa==0.0.2
uri='otpauth://totp/Shop:dana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop&period=60&digits=7'
export=$(python/bin/otpa cm "$uri")
again=$(python/bin/otpa ca "$export")
printf 'the key URI is  %s\nit comes back as %s\n' "$uri" "$again"
case $again in
*period=30*) [[ $again != *digits=* ]] ;;
*) exit 1 ;;
esac
