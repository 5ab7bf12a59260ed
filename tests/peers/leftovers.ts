// What a container could leave behind: only what bears its id or lies below the test's folder, since the machine has other users.

import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const program = join(import.meta.dirname, "../../bin/gantry-runc");

/** Path of a gantry-runc with residents of its own, which end with `undo`: callers need not pass their environment on. */
export async function installRuntime(undo: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-runc-peer-"));
  const path = join(folder, "gantry-runc");
  const sockets = join(folder, "sockets");
  undo.defer(async () => {
    await rm(folder, { recursive: true, force: true });
    assert.deepEqual(await settle(() => findResidents(sockets)), []);
  });
  await writeFile(path, `#!/bin/sh\nexport GANTRY_RUNC_SOCKETS=${sockets}\nexec ${program} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

const findResidents = (sockets: string): readonly string[] =>
  readdirSync("/proc").filter(
    (name) =>
      /^\d+$/.test(name) &&
      mentions(lines(`/proc/${name}/environ`).join(), [`GANTRY_RUNC_RESIDENT=${sockets}`]),
  );

const lines = (path: string): readonly string[] => {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return []; // it ended meanwhile
  }
};

const mentions = (text: string, names: readonly string[]): boolean =>
  names.some((name) => text.includes(name));

function cgroupMounts(): readonly string[] {
  return lines("/proc/self/mountinfo")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
}

/** Processes in the containers' cgroups, those cgroups, and mounts of the containers. */
function findLeftovers(ids: readonly string[], rootfsFolder: string): readonly string[] {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => mentions(lines(`/proc/${pid}/cgroup`).join("\n"), ids));
  const cgroups = cgroupMounts().flatMap((mount) =>
    globSync(`${mount}/{,*/,*/*/}*/`).filter((path) => mentions(path, ids)),
  );
  const mounts = lines("/proc/self/mountinfo").filter((line) => mentions(line, [rootfsFolder, ...ids]));
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...cgroups.map((path) => `cgroup ${path}`),
    ...mounts.map((line) => `mount ${line}`),
  ];
}

const PATIENCE_MS = 10_000;

/** Asks again until nothing is found, for callers clean up after they have answered; resolves with what stays. */
async function settle(find: () => readonly string[]): Promise<readonly string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  let found = find();
  while (found.length > 0 && performance.now() < deadline) {
    await delay(100);
    found = find();
  }
  return found;
}

export const settledLeftovers = (ids: readonly string[], rootfsFolder: string): Promise<readonly string[]> =>
  settle(() => findLeftovers(ids, rootfsFolder));

/** A caller's own cgroups, which stay when its containers go: removed once their last process has ended. */
export async function removeCgroups(name: string): Promise<void> {
  const remains = await settle(() =>
    cgroupMounts()
      .flatMap((mount) => globSync(`${mount}/${name}{/*,}/`).sort().reverse())
      .filter((path) => !isRemoved(path)),
  );
  if (remains.length > 0) throw new Error(`in use: ${remains.join(", ")}`);
}

function isRemoved(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
