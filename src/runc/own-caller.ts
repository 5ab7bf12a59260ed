// The caller when this process does the work for itself.

import { isatty } from "node:tty";
import type { Caller } from "./caller.ts";

export const ownCaller = (): Caller => ({
  pid: process.pid,
  cwd: process.cwd(),
  env: process.env,
  hasErrorTerminal: isatty(2),
  write: (fd, text) =>
    new Promise((resolve) => (fd === 1 ? process.stdout : process.stderr).write(text, () => resolve())),
  readInput: async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  },
});
