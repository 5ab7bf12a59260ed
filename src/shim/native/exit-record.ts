// What a shim leaves on disk of a process's end: "code seconds nanoseconds".

import { readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessExit } from "../shim.ts";

const pathOf = (stateDir: string, execId: string): string =>
  join(stateDir, execId === "" ? "exit" : `exec-${execId}.exit`);

export const removeExitRecord = (stateDir: string, execId: string): Promise<void> =>
  unlink(pathOf(stateDir, execId)).catch(() => {}); // the folder goes with the container

export async function findExitRecord(stateDir: string, execId: string): Promise<ProcessExit | undefined> {
  const text = await readFile(pathOf(stateDir, execId), "utf8").catch(() => "");
  const [, code, seconds, nanoseconds] = /^(\d+) (\d+) (\d+)\n$/.exec(text) ?? [];
  if (code === undefined) return undefined;
  return { exitCode: Number(code), exitedAt: Number(seconds) * 1000 + Number(nanoseconds) / 1e6 };
}
