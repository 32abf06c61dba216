// Answers JSON lines with otplib.
import { generateSync, generateURI, verifySync } from "otplib";
import { parse } from "@otplib/uri";
import { answerLines, exact } from "./lines.mjs";

function options(of) {
  const common = { secret: of.secret, algorithm: of.algorithm.toLowerCase(), digits: of.digits };
  return of.type === "totp"
    ? { ...common, strategy: "totp", period: of.period }
    : { ...common, strategy: "hotp", counter: exact(of.counter) };
}

const now = (of) => ({ ...options(of), ...(of.type === "totp" && { epoch: of.time }) });

function read({ uri, time }) {
  const { type, label, params } = parse(uri);
  const issuer = params.issuer ?? null;
  // otplib does not split the label.
  const [account, prefix = null] = label.split(":").reverse();
  const found = {
    type,
    issuer,
    prefix: prefix === issuer ? null : prefix,
    account,
    secret: params.secret,
    algorithm: (params.algorithm ?? "sha1").toUpperCase(),
    digits: params.digits ?? 6,
    period: type === "totp" ? (params.period ?? 30) : null,
    counter: type === "hotp" ? String(params.counter) : null,
  };
  return { ...found, code: generateSync(now({ ...found, time })) };
}

answerLines((of) => {
  if (of.do === "read") return read(of);
  if (of.do === "write") return { uri: generateURI({ ...options(of), issuer: of.issuer ?? "", label: of.account }) };
  const verified = of.typed.map((token) => verifySync({ ...now(of), token }).valid);
  return { code: generateSync(now(of)), verified };
});
