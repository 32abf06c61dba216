#!/usr/bin/env bash
set -euo pipefail
# Package: speakeasy 2.0.0 (npm)
# Behaviour: `generateSecret({ google_auth_qr: true })` returns one secret in three forms (`ascii`, `hex`, `base32`) and
#   the address of a QR code. The QR code is for another key: the bytes of the text `base32`, in base32 once more.
# Expected: the QR code has the secret `base32`, as `otpauth_url` of the same object has.
# Seen: the phone shows the passcodes of `totp({ secret: base32 })`, which reads the text as bytes. None of the three
#   forms with its own encoding gives these passcodes.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" speakeasy@2.0.0 >/dev/null
cat >read.mjs <<'JS'
import speakeasy from "speakeasy";

const secretOf = (uri) => new URL(uri).searchParams.get("secret");
const secret = speakeasy.generateSecret({ google_auth_qr: true });
const inQrCode = secretOf(new URL(secret.google_auth_qr).searchParams.get("chl"));
const inUri = secretOf(secret.otpauth_url);
const bytes = Buffer.from(secret.base32);
const twice = speakeasy.otpauthURL({ secret: bytes.toString("hex"), encoding: "hex", label: "dana" });
console.log(`characters of the secret: ${inUri.length} in otpauth_url, ${inQrCode.length} in google_auth_qr`);
const isSame = inQrCode === secret.base32;
const isTwice = inQrCode === secretOf(twice);
console.log(`the QR code has the secret: ${isSame}; the base32 text in base32 once more: ${isTwice}`);
process.exit(inUri === secret.base32 && !isSame && isTwice ? 0 : 1);
JS
node read.mjs 2>/dev/null
