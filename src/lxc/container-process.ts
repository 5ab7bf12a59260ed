// The process in the container that a driver's program has started: its namespaces are the ones that a further process enters.

import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { conflict } from "#base/errors.ts";

const PATIENCE = 5000;
const PAUSE = 5;

async function waitFor(what: string, find: () => Promise<number | undefined>): Promise<number> {
  for (let waited = 0; waited < PATIENCE; waited += PAUSE) {
    const found = await find();
    if (found !== undefined) return found;
    await delay(PAUSE);
  }
  throw conflict(`${what} has no container`);
}

async function findChild(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text === "" ? undefined : Number.parseInt(text, 10);
}

/** LXC's init. All that isolates is done when it has started the program. */
export const findLxcInit = (monitor: number): Promise<number> =>
  waitFor(`process ${monitor}`, async () => {
    const init = await findChild(monitor);
    return init !== undefined && (await findChild(init)) !== undefined ? init : undefined;
  });

export const readPidFile = (path: string): Promise<number> =>
  waitFor(path, async () => {
    const text = await readFile(path, "utf8").catch(() => "");
    return text === "" ? undefined : Number(text);
  });
