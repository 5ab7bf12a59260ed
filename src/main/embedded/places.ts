// Where an embedded engine keeps its things, and what a program that was killed left there.
//
//   <data>                      images, containers, volumes: the caller's directory, or a new temporary one
//   /run/gantry-<key>/          sockets and shim state; the key is of <data>'s path, and short, as the paths of sockets are
//   /run/gantry-<key>/pid       the process whose engine this is
//   /run/gantry-<key>/temporary the path of <data>, if that is to be removed with the engine
//   gantry-<key>                the bridge

import { createHash } from "node:crypto";
import { globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const runDirectory = "/run";

export interface Places {
  readonly data: string;
  readonly run: string;
  readonly pidfile: string;
  readonly socket: string;
  /** At most 15 bytes, as interface names are. */
  readonly bridge: string;
  /** The data ends with the engine. */
  readonly temporary: boolean;
}

function placesOf(data: string, temporary: boolean): Places {
  const key = createHash("sha256").update(data).digest("hex").slice(0, 8);
  const name = `gantry-${key}`;
  const run = join(runDirectory, name);
  return { data, run, pidfile: join(run, "pid"), socket: join(run, "docker.sock"), bridge: name, temporary };
}

/** `directory` of the caller, or one below `below` that is made and removed. */
export function makePlaces(directory: string | undefined, below: string): Places {
  const data = resolve(directory ?? mkdtempSync(join(below, "gantry-")));
  const places = placesOf(data, directory === undefined);
  mkdirSync(data, { recursive: true, mode: 0o710 });
  mkdirSync(places.run, { recursive: true, mode: 0o711 });
  return places;
}

/** For `claimAbandoned` of a later program; once the pid file is there. */
export function markTemporary({ run, data }: Places): void {
  writeFileSync(join(run, "temporary"), data, { mode: 0o600 });
}

export function removePlaces(places: Places): void {
  rmSync(places.run, { recursive: true, force: true });
  if (places.temporary) rmSync(places.data, { recursive: true, force: true });
}

/** Temporary engines whose program has ended without disposing of them, each told to one caller only: its pid file is gone then. */
export function claimAbandoned(isRunning: (pidfile: string) => boolean): readonly Places[] {
  return globSync(join(runDirectory, "gantry-*/temporary")).flatMap((mark) => {
    try {
      const pidfile = join(dirname(mark), "pid");
      const data = readFileSync(mark, "utf8");
      if (isRunning(pidfile)) return [];
      renameSync(pidfile, `${pidfile}.abandoned`);
      return [placesOf(data, true)];
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return []; // another was faster
      throw error;
    }
  });
}
