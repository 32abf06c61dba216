// Makes secrets with otplib, otpauth and speakeasy, uses some passcodes, and appends to ./*.csv and ./expect.jsonl.
import { strict as assert } from "node:assert";
import { appendFileSync } from "node:fs";
import { HOTP, Secret, TOTP } from "otpauth";
import { generate, generateSecret, verify } from "otplib";
import speakeasy from "speakeasy";

const used_at = Math.floor(Date.now() / 1000);
const base32 = (bytes) => new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;

function save(file, account, text, secret, fields) {
  const { type = "totp", algorithm = "SHA1", digits = 6, counter = "" } = fields;
  appendFileSync(`${file}.csv`, `${account},"${text}",${type},${algorithm},${digits},${counter}\n`);
  const row = { account, secret, type, algorithm, digits, period: 30, t0: 0, used_at, ...fields };
  appendFileSync("expect.jsonl", `${JSON.stringify(row)}\n`);
}

{
  const secret = generateSecret();
  const token = await generate({ secret });
  assert((await verify({ secret, token })).valid);
  save("base32", "otplib", secret, secret, { used_passcode: token });
}
{
  const secret = generateSecret();
  const options = { secret, algorithm: "sha512", digits: 8 };
  const token = await generate(options);
  assert((await verify({ ...options, token })).valid);
  save("base32", "otplib-sha512", secret, secret, { algorithm: "SHA512", digits: 8, used_passcode: token });
}
{
  const totp = new TOTP({ secret: new Secret({ size: 10 }) });
  const token = totp.generate({ timestamp: (used_at + 30) * 1000 });
  assert.equal(totp.validate({ token, timestamp: used_at * 1000 }), 1);
  const lowerCase = totp.secret.base32.toLowerCase().replace(/.{4}/g, "$& ").trim();
  save("base32", "otpauth", lowerCase, totp.secret.base32, { used_passcode: token, used_at: used_at + 30 });
}
{
  const hotp = new HOTP({ counter: 7 });
  const token = hotp.generate({ counter: 7 });
  assert.equal(hotp.validate({ token, counter: 7 }), 0);
  const { base32: secret } = hotp.secret;
  save("base32", "otpauth-hotp", secret, secret, { type: "hotp", counter: 8, used_passcode: token });
}
{
  const { ascii, base32: secret } = speakeasy.generateSecret();
  const token = speakeasy.totp({ secret: ascii });
  assert(speakeasy.totp.verify({ secret: ascii, token }));
  save("ascii", "speakeasy", ascii, secret, { used_passcode: token });
}
{
  const { hex } = speakeasy.generateSecret({ length: 20 });
  const token = speakeasy.totp({ secret: hex, encoding: "hex" });
  assert(speakeasy.totp.verify({ secret: hex, encoding: "hex", token }));
  save("hex", "speakeasy-hex", hex, base32(Buffer.from(hex, "hex")), { used_passcode: token });
}
