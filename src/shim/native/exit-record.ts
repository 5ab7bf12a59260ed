// What a shim leaves on disk of a process's end: "code seconds nanoseconds".

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessExit } from "../shim.ts";

export async function findExitRecord(stateDir: string, execId: string): Promise<ProcessExit | undefined> {
  const name = execId === "" ? "exit" : `exec-${execId}.exit`;
  const text = await readFile(join(stateDir, name), "utf8").catch(() => "");
  const [, code, seconds, nanoseconds] = /^(\d+) (\d+) (\d+)\n$/.exec(text) ?? [];
  if (code === undefined) return undefined;
  return { exitCode: Number(code), exitedAt: Number(seconds) * 1000 + Number(nanoseconds) / 1e6 };
}
