// A guest is a Linux of its own with pure cgroup version 2 that runs one command on the machine's checkout. It tells through a folder:
//
//   command     shell text, written by the host before the start
//   booted      seconds it took, written by the guest once it is set up
//   output      what the command printed on both streams
//   exit-code   of the command, written at the end
//   console     what the kernel said

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type GuestEnd =
  | { readonly kind: "ended"; readonly exitCode: number; readonly bootSeconds: number }
  /** This machine cannot run such a guest. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface GuestFolder extends Disposable {
  readonly path: string;
  /** Content of one of the files; "" as long as it is not there. */
  read(name: string): string;
}

export function makeGuestFolder(command: string): GuestFolder {
  const path = mkdtempSync(join(tmpdir(), "gantry-guest-"));
  writeFileSync(join(path, "command"), command);
  return {
    path,
    read: (name) => (existsSync(join(path, name)) ? readFileSync(join(path, name), "utf8") : ""),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The first words of a guest's process 1: what fails after them is no matter of the machine. */
const STARTED = "gantry guest:";

/** Runs the program that is the guest, with all that it starts, for `seconds` at most. */
export async function runGuest(
  folder: GuestFolder,
  command: readonly string[],
  { seconds, env }: { readonly seconds: number; readonly env: Readonly<Record<string, string>> },
): Promise<GuestEnd> {
  const [program = "", ...args] = command;
  const console = openSync(join(folder.path, "console"), "w");
  const guest = spawn(program, args, {
    detached: true,
    stdio: ["ignore", console, console],
    env: { ...process.env, ...env },
  });
  const kill = (): void => killGroup(guest);
  let how = "it stopped by itself";
  const late = setTimeout(() => {
    how = `no end within ${seconds} s`;
    kill();
  }, seconds * 1000);
  for (const signal of signals) process.once(signal, kill);
  try {
    await once(guest, "close");
  } catch (error) {
    return { kind: "unavailable", reason: String(error) };
  } finally {
    clearTimeout(late);
    for (const signal of signals) process.off(signal, kill);
    kill();
  }
  return readEnd(folder, how);
}

const signals = ["SIGINT", "SIGTERM"] as const;

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // all have ended
  }
}

function readEnd(folder: GuestFolder, how: string): GuestEnd {
  const exitCode = folder.read("exit-code").trim();
  const bootSeconds = Number(folder.read("booted"));
  if (exitCode !== "") return { kind: "ended", exitCode: Number(exitCode), bootSeconds };
  const console = folder.read("console").trim().split("\n");
  const reason = `${how}; its last words: ${console.slice(-8).join(" | ")}`;
  return { kind: console.some((line) => line.includes(STARTED)) ? "failed" : "unavailable", reason };
}
