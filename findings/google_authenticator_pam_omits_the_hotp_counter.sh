#!/usr/bin/env bash
set -euo pipefail
# Package: libpam-google-authenticator 20191231-2 (Debian 12)
# Behaviour: `google-authenticator --counter-based` creates an entry whose counter starts at 1. It prints a key URI of
#   type hotp without a counter.
# Expected: `counter=1`. The Key URI Format requires a counter for hotp. Without it, a reader can only refuse the URI or
#   guess the counter.
# Seen: `otpauth://hotp/...` with only secret and issuer. The secret file has HOTP_COUNTER 1.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download libpam-google-authenticator=20191231-2
dpkg --extract libpam-google-authenticator_20191231-2_*.deb program
uri=$(program/usr/bin/google-authenticator --force --counter-based --label=dana --issuer=Shop --no-confirm \
    --rate-limit=3 --rate-time=30 --window-size=3 --qr-mode=ANSI --secret="$folder/secret" 2>&1 |
    grep -o 'otpauth[^ ]*' | head -n 1 | sed 's/%3A/:/g; s/%2F/\//g; s/%3F/?/g; s/%3D/=/g; s/%26/\&/g')
counter=$(grep -o 'HOTP_COUNTER [0-9]*' secret)
printf 'the file has %s; the key URI has the type %s and these parameters:' "$counter" "$(cut -d/ -f3 <<<"$uri")"
printf ' %s' $(cut -d'?' -f2 <<<"$uri" | tr '&' '\n' | cut -d= -f1)
printf '\n'
case $uri in
otpauth://hotp/*counter=*) exit 1 ;;
otpauth://hotp/*) [ "$counter" = "HOTP_COUNTER 1" ] ;;
*) exit 1 ;;
esac
