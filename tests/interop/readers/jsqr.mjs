// Reads JSON lines with the path of a PNG file, and answers with the bytes that jsQR reads from it, in hexadecimal.
import { readFileSync } from "node:fs";
import jsQR from "jsqr";
import { PNG } from "pngjs";
import { answerLines } from "./lines.mjs";

answerLines(({ image }) => {
  const { data, width, height } = PNG.sync.read(readFileSync(image));
  const found = jsQR(new Uint8ClampedArray(data), width, height);
  return found ? { bytes: Buffer.from(found.binaryData).toString("hex") } : { refused: "no symbol found" };
});
