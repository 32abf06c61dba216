#!/usr/bin/env bash
set -euo pipefail
# Package: otpauth 9.5.2 (npm)
# Behaviour: it reads a key URI for HOTP whose counter is above 2^53, and keeps the nearest number that a double can
#   hold. No error is raised. The passcodes of the entry are then those of another counter.
# Expected: the counter that the URI has (RFC 4226: eight bytes), or an error.
# Seen: 9007199254740993 is kept as 9007199254740992.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" otpauth@9.5.2 >/dev/null
cat >read.mjs <<'JS'
import { URI } from "otpauth";

const counter = "9007199254740993";
const entry = URI.parse(`otpauth://hotp/Shop:dana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop&counter=${counter}`);
const kept = BigInt(entry.counter).toString();
console.log(`the URI has counter ${counter}; kept is ${kept}`);
process.exit(kept === "9007199254740992" ? 0 : 1);
JS
node read.mjs
