// The program of probe.c: what tests ask the kernel from inside a container.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const built = { path: "" };

/** Puts it into a folder, built once in this process, and returns its path. */
export function buildProbe(folder: string): string {
  const path = join(folder, "probe");
  copyFileSync(builtProbe(), path);
  return path;
}

function builtProbe(): string {
  if (built.path !== "") return built.path;
  const folder = mkdtempSync(join(tmpdir(), "gantry-probe-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "probe");
  const source = join(import.meta.dirname, "probe.c");
  execFileSync("cc", ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", path, source]);
  built.path = path;
  return path;
}

export const putProbe =
  (probe: string) =>
  (root: string): void =>
    copyFileSync(probe, join(root, "bin/probe"));

export interface Agent extends AsyncDisposable {
  readonly path: string;
  /** The next of the messages that come with a listener. */
  next(): Promise<unknown>;
}

/** Listens for the filters of containers; answers a call with an errno, lets others happen. */
export async function startAgent(
  probe: string,
  path: string,
  answer: readonly [call: number, errno: number] = [-1, 0],
): Promise<Agent> {
  const child = spawn(probe, ["agent", path, ...answer.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, "exit");
  await lines.next();
  return {
    path,
    next: async () => JSON.parse(String((await lines.next()).value)) as unknown,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
