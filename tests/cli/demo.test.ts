// The demo tells its story and leaves nothing behind, ended or interrupted. Needs root: it starts a real engine.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const GANTRY = join(import.meta.dirname, "../../src/main/gantry.ts");
const OPTIONS = { timeout: 120_000, skip: process.getuid?.() !== 0 && "needs root" };

function startDemo(): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const env = { ...process.env, GANTRY_DEV: "1" };
  const child = spawn(process.execPath, ["--", GANTRY, "demo"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, output: () => text, ended };
}

const commandLineOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it has ended
  }
};

function leftovers(): readonly string[] {
  const processes = globSync("/proc/[0-9]*/cmdline").filter((file) =>
    commandLineOf(file).includes("/run/gd-"),
  );
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes("/run/gd-"));
  return [...globSync("/run/gd-*"), ...globSync("/tmp/gantry-demo-*"), ...processes, ...mounts];
}

test("the demo runs to its end and leaves nothing", OPTIONS, async () => {
  const { output, ended } = startDemo();
  assert.equal(await ended, 0, output());
  const wanted = [
    "\nHello World\n",
    "<h1>Hello from a container</h1>",
    "Exited (0)",
    "container die",
    "Total reclaimed space",
  ];
  assert.deepEqual(
    wanted.filter((text) => !output().includes(text)),
    [],
  );
  assert.deepEqual(leftovers(), []);
});

test("an interrupted demo leaves nothing", OPTIONS, async () => {
  const { child, output, ended } = startDemo();
  let interrupted = false;
  // Once: a second one ends the program at once, as it should.
  child.stdout?.on("data", () => {
    if (!interrupted && output().includes("== Fetch its page")) interrupted = child.kill("SIGINT");
  });
  const code = await ended;
  assert.equal(code, 130, output());
  assert.deepEqual(leftovers(), []);
});
