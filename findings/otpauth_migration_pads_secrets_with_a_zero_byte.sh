#!/usr/bin/env bash
set -euo pipefail
# Package: otpauth-migration 1.0.0 (npm)
# Behaviour: `URI.toOTPAuthMigrationURI` writes a secret of 64 bytes as 65 bytes, with a zero byte at the end. HMAC with
#   SHA-1 or SHA-256 hashes a key of more than 64 bytes (RFC 2104), so the entry shows other passcodes. The same happens
#   to every secret whose base32 has unused bits; a shorter secret keeps its passcodes, because HMAC pads with zeros.
# Expected: the 64 bytes of the secret.
# Seen: 65 bytes, and another passcode for the same counter.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package imports directories, so Node.js loads it only from a bundle.
npm install --silent --no-audit --no-fund --prefix "$folder" otpauth-migration@1.0.0 esbuild@0.28.2 >/dev/null
cat >write.mjs <<'JS'
import { createHmac } from "node:crypto";
import { OTPAuthMigration, URI } from "otpauth-migration";

const symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const secret = Buffer.from(Array.from({ length: 64 }, (_, index) => index + 1));
const bits = [...secret].map((byte) => byte.toString(2).padStart(8, "0")).join("");
const base32 = bits.match(/.{1,5}/g).map((five) => symbols[parseInt(five.padEnd(5, "0"), 2)]).join("");
const uri = URI.toOTPAuthMigrationURI([`otpauth://hotp/dana?secret=${base32}&counter=1`]);
const message = Buffer.from(decodeURIComponent(uri.split("data=")[1]), "base64");
// The entry and its secret are the first fields: a tag and a length each.
const written = message.subarray(4, 4 + message[3]);

function passcode(key) {
  const hmac = createHmac("sha1", key).update(Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])).digest();
  const offset = hmac[19] & 15;
  return String((hmac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

console.log(`the secret has ${secret.length} bytes; the export has ${written.length}`);
console.log(`the passcode is ${passcode(secret)}; the entry shows ${passcode(written)}`);
process.exit(written.length === 65 && passcode(secret) !== passcode(written) ? 0 : 1);
JS
npx esbuild write.mjs --bundle --platform=node --format=esm --outfile=bundle.mjs --log-level=error
node bundle.mjs
