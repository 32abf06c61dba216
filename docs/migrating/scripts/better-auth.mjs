// Writes the second factors of better-auth as JSON lines, one user a line. Copy this file into your application.
//
//     node better-auth.mjs ./auth.mjs > rows.jsonl          (npx tsx better-auth.mjs ./auth.ts > rows.jsonl)
//
// The argument is the module that exports `auth`. Users without a confirmed TOTP are left out.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { symmetricDecrypt } from "better-auth/crypto";

const PAGE = 1000;
const { auth } = await import(pathToFileURL(resolve(process.argv[2])));
const context = await auth.$context;
const totp = auth.options.plugins.find((plugin) => plugin.id === "two-factor").options?.totpOptions ?? {};

function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g).map((group) => parseInt(group.padEnd(5, "0"), 2));
  return groups.map((group) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[group]).join("");
}

async function key(encrypted) {
  const text = await symmetricDecrypt({ key: context.secretConfig, data: encrypted });
  // The key is the bytes of the text, unless the secret was imported into better-auth.
  return text.startsWith("base32:") ? text.slice(7).toUpperCase().replace(/=+$/, "") : base32(Buffer.from(text));
}

async function backupCodes(userId) {
  const { backupCodes: codes } = await auth.api.viewBackupCodes({ body: { userId } });
  const shaped = codes.filter((code) => /^[A-Za-z0-9]{5}-[A-Za-z0-9]+$/.test(code) && code.length === codes[0].length);
  if (shaped.length < codes.length) console.error(`user ${userId}: some backup codes have another shape`);
  if (shaped.length === 0) return undefined;
  const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return { alphabet, length: shaped[0].length - 1, codes: shaped.map((code) => ({ code })) };
}

for (let offset = 0, rows; rows?.length !== 0; offset += PAGE) {
  const sortBy = { field: "id", direction: "asc" };
  rows = await context.adapter.findMany({ model: "twoFactor", limit: PAGE, offset, sortBy });
  for (const row of rows) {
    const user = await context.internalAdapter.findUserById(row.userId);
    if (!user?.twoFactorEnabled || row.verified === false) continue;
    const secret = await key(row.secret);
    const authenticators = [{ type: "totp", secret, digits: totp.digits || 6, period: totp.period || 30 }];
    const exported_at = Math.floor(Date.now() / 1000);
    const backup_codes = await backupCodes(row.userId);
    console.log(JSON.stringify({ account: row.userId, authenticators, backup_codes, exported_at }));
  }
}
