// Answers each JSON line of standard input with a JSON line.
import { createInterface } from "node:readline";

export async function answerLines(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    let result;
    try {
      result = answer(JSON.parse(line));
    } catch (error) {
      result = { refused: `${error.name}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

// A counter as a number, because these libraries take only numbers.
export function exact(counter) {
  const number = Number(counter);
  if (!Number.isSafeInteger(number)) throw new RangeError("JavaScript cannot represent this counter exactly");
  return number;
}
