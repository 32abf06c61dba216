// Answers each JSON line of standard input with a JSON line.
import { createInterface } from "node:readline";

export async function answerLines(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    let said;
    try {
      said = answer(JSON.parse(line));
    } catch (error) {
      said = { refused: `${error.name}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

// A counter as a number, which is all that these libraries take.
export function exact(counter) {
  const number = Number(counter);
  if (!Number.isSafeInteger(number)) throw new RangeError("no number of JavaScript is this counter");
  return number;
}
