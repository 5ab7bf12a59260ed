// Ranges in the machine's /etc/subuid and /etc/subgid while a test needs them: one line each, taken out again.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";

const files = ["/etc/subuid", "/etc/subgid"];

/** `line`: USER:START:SIZE. */
export function giveRange(line: string): Disposable {
  for (const path of files) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    appendFileSync(path, text === "" || text.endsWith("\n") ? `${line}\n` : `\n${line}\n`);
  }
  return { [Symbol.dispose]: () => files.forEach((path) => void takeOut(path, line)) };
}

function takeOut(path: string, line: string): void {
  const lines = readFileSync(path, "utf8").split("\n");
  const at = lines.lastIndexOf(line);
  writeFileSync(path, lines.filter((_, index) => index !== at).join("\n"));
}
