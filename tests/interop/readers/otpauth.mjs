// Answers JSON lines with otpauth.
import { HOTP, Secret, TOTP, URI } from "otpauth";
import { answerLines, exact } from "./lines.mjs";

function made(of) {
  const common = {
    issuer: of.issuer ?? "",
    label: of.account,
    secret: Secret.fromBase32(of.secret),
    algorithm: of.algorithm,
    digits: of.digits,
  };
  return of.type === "totp"
    ? new TOTP({ ...common, period: of.period })
    : new HOTP({ ...common, counter: exact(of.counter) });
}

const at = (otp, time) => (otp instanceof TOTP ? { timestamp: time * 1000 } : { counter: otp.counter });

function read({ uri, time }) {
  const otp = URI.parse(uri);
  const isTotp = otp instanceof TOTP;
  return {
    type: isTotp ? "totp" : "hotp",
    issuer: otp.issuer || null,
    prefix: null,
    account: otp.label,
    secret: otp.secret.base32,
    algorithm: otp.algorithm,
    digits: otp.digits,
    period: isTotp ? otp.period : null,
    counter: isTotp ? null : BigInt(otp.counter).toString(),
    code: otp.generate(at(otp, time)),
  };
}

answerLines((of) => {
  if (of.do === "read") return read(of);
  const otp = made(of);
  if (of.do === "write") return { uri: otp.toString() };
  const verified = of.typed.map((token) => otp.validate({ token, ...at(otp, of.time), window: 0 }) !== null);
  return { code: otp.generate(at(otp, of.time)), verified };
});
