// A small application with better-auth. Its database is in memory, and in db.json between two runs.
import { existsSync, readFileSync } from "node:fs";
import { memoryAdapter } from "@better-auth/memory-adapter";
import { betterAuth } from "better-auth";
import { twoFactor } from "better-auth/plugins";

export const database = existsSync("db.json")
  ? JSON.parse(readFileSync("db.json"))
  : { user: [], session: [], account: [], verification: [], twoFactor: [] };

export const auth = betterAuth({
  appName: "Shop",
  baseURL: "http://localhost:3000",
  secret: "the secret of the sample application",
  database: memoryAdapter(database),
  emailAndPassword: { enabled: true },
  plugins: [twoFactor({ otpOptions: { sendOTP() {} } })],
});
