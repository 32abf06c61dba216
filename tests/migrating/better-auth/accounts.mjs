// Makes users of better-auth in ./db.json, uses some codes, and writes ./expect.jsonl.
import { writeFileSync } from "node:fs";
import { symmetricEncrypt } from "better-auth/crypto";
import { Secret, TOTP, URI } from "otpauth";
import { auth, database } from "./auth.mjs";

const password = "not a real password";
const expected = [];

/** A browser: sends JSON to better-auth and keeps the cookies. */
function browser() {
  const cookies = new Map();
  return async (path, body) => {
    const headers = { "content-type": "application/json", origin: "http://localhost:3000" };
    headers.cookie = [...cookies].map((cookie) => cookie.join("=")).join("; ");
    const request = new Request(`http://localhost:3000/api/auth${path}`, {
      method: "POST", headers, body: JSON.stringify(body),
    });
    const response = await auth.handler(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

async function signUp(name) {
  const send = browser();
  const email = `${name}@example.com`;
  const { user } = await send("/sign-up/email", { name, email, password });
  return { send, email, id: user.id };
}

/** A user with TOTP. Confirming the set-up uses a passcode: of the current time step, or of the next one. */
async function enroll(name, ahead = 0) {
  const { send, email, id } = await signUp(name);
  const { totpURI, backupCodes } = await send("/two-factor/enable", { password });
  const phone = URI.parse(totpURI);
  const at = Math.floor(Date.now() / 1000) + 30 * ahead;
  const code = phone.generate({ timestamp: at * 1000 });
  await send("/two-factor/verify-totp", { code });
  const fields = {
    account: id, type: "totp", secret: phone.secret.base32, digits: 6, period: 30, t0: 0,
    used_passcode: code, used_at: at,
  };
  return { email, id, backupCodes, fields };
}

/** Signs in with the password and one backup code. */
async function recover(email, code) {
  const send = browser();
  await send("/sign-in/email", { email, password });
  await send("/two-factor/verify-backup-code", { code });
}

const expect = (fields, more = {}) => expected.push(JSON.stringify({ ...fields, ...more }));

const ada = await enroll("ada");
expect(ada.fields, { backup_code: ada.backupCodes[0] });

const ben = await enroll("ben");
await recover(ben.email, ben.backupCodes[4]);
expect(ben.fields, { used_backup_code: ben.backupCodes[4], backup_code: ben.backupCodes[5] });

const cleo = await enroll("cleo", 1);
for (const code of cleo.backupCodes.slice(1)) await recover(cleo.email, code);
expect(cleo.fields, { used_backup_code: cleo.backupCodes[9], backup_code: cleo.backupCodes[0] });

const dana = await enroll("dana");
for (const code of dana.backupCodes) await recover(dana.email, code);
expect(dana.fields, { used_backup_code: dana.backupCodes[3] });

const emil = await enroll("emil", 1);
expect(emil.fields);

// A secret that was imported from another system: better-auth stores it as "base32:...".
const fern = await enroll("fern");
const row = database.twoFactor.find((factor) => factor.userId === fern.id);
const secret = new Secret({ size: 10 });
row.secret = await symmetricEncrypt({ key: (await auth.$context).secretConfig, data: `base32:${secret.base32}` });
const fernAgain = browser();
const used_at = Math.floor(Date.now() / 1000);
const used_passcode = new TOTP({ secret }).generate({ timestamp: used_at * 1000 });
await fernAgain("/sign-in/email", { email: fern.email, password });
await fernAgain("/two-factor/verify-totp", { code: used_passcode });
expect(fern.fields, { secret: secret.base32, used_passcode, used_at, backup_code: fern.backupCodes[7] });

// The script leaves these users out: not confirmed, codes by mail only, no second factor.
const gus = await signUp("gus");
await gus.send("/two-factor/enable", { password });
const hana = await signUp("hana");
await hana.send("/two-factor/enable", { password, method: "otp" });
await signUp("ivan");

writeFileSync("db.json", JSON.stringify(database));
writeFileSync("expect.jsonl", `${expected.join("\n")}\n`);
