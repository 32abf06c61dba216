#!/usr/bin/env bash
set -euo pipefail
# Package: otpauth 9.5.2 (npm)
# Behaviour: `URI.parse` accepts a key URI for HOTP with a counter above 2^53. It rounds the counter to the nearest
#   number that a double can hold, without an error. The entry then shows the passcodes of another counter.
# Expected: the counter of the URI (RFC 4226: eight bytes), or an error.
# Seen: 9007199254740993 becomes 9007199254740992.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" otpauth@9.5.2 >/dev/null
cat >read.mjs <<'JS'
import { URI } from "otpauth";

const counter = "9007199254740993";
const entry = URI.parse(`otpauth://hotp/Shop:dana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop&counter=${counter}`);
const kept = BigInt(entry.counter).toString();
console.log(`the counter of the URI is ${counter}; otpauth has ${kept}`);
process.exit(kept === "9007199254740992" ? 0 : 1);
JS
node read.mjs
