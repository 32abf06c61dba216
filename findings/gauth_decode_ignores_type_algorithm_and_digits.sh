#!/usr/bin/env bash
set -euo pipefail
# Package: gauth-decode 0.1.1 (npm)
# Behaviour: `makeOtpAuthKey` makes a key URI from an entry of an export of Google Authenticator. The key URI always has
#   the type totp, SHA-1 and six digits, whatever the entry has. An app that scans it shows other passcodes.
# Expected: `otpauth://hotp/...` with algorithm, digits and counter.
# Seen: an entry with HOTP, SHA-256, eight digits and counter 7 becomes `otpauth://totp/...` with secret and issuer only.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" gauth-decode@0.1.1 >/dev/null
cat >read.cjs <<'JS'
const { decodeMigrationUri, makeOtpAuthKey } = require("gauth-decode");

const field = (number, text) => Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)]);
const entry = Buffer.concat([
  field(1, "12345678901234567890"), field(2, "dana"), field(3, "Shop"),
  // SHA-256, eight digits, HOTP, counter 7
  Buffer.from([0x20, 2, 0x28, 2, 0x30, 1, 0x38, 7]),
]);
// version 1, one part, batch id 42
const message = Buffer.concat([field(1, entry), Buffer.from([0x10, 1, 0x18, 1, 0x20, 0, 0x28, 42])]);
const uri = `otpauth-migration://offline?data=${encodeURIComponent(message.toString("base64"))}`;
decodeMigrationUri(uri).then(([read]) => {
  const made = makeOtpAuthKey(read);
  console.log(`the entry has the type ${read.otp_type ?? read.type} and the counter ${read.counter}`);
  console.log(`the key URI is ${made}`);
  const parameters = [...new URL(made).searchParams.keys()];
  const isPlain = parameters.every((name) => ["secret", "issuer"].includes(name));
  process.exit(made.startsWith("otpauth://totp/") && isPlain ? 0 : 1);
});
JS
node read.cjs
