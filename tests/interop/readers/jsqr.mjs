// Answers JSON lines with the path of a PNG file by what jsQR reads in it, in hexadecimal.
import { readFileSync } from "node:fs";
import jsQR from "jsqr";
import { PNG } from "pngjs";
import { answerLines } from "./lines.mjs";

answerLines(({ picture }) => {
  const { data, width, height } = PNG.sync.read(readFileSync(picture));
  const found = jsQR(new Uint8ClampedArray(data), width, height);
  return found ? { bytes: Buffer.from(found.binaryData).toString("hex") } : { refused: "no symbol found" };
});
