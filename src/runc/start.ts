// The start of a container that `create` left at its FIFO.

import { closeSync, constants, openSync, unlinkSync, writeSync } from "node:fs";
import { isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { statusOf } from "./containers.ts";
import type { Deps } from "./create.ts";
import { runPoststartHooks } from "./hooks.ts";
import { relayReadiness } from "./notify.ts";

export async function startCommand(deps: Deps, id: string): Promise<number> {
  const state = deps.containers.get(id);
  const status = statusOf(state);
  if (status === "stopped") throw invalid("cannot start a container that has stopped");
  if (status !== "created") throw invalid("cannot start an already running container");
  const ready = await relayReadiness(deps, state, { stays: false });
  release(state.startFifo);
  await runPoststartHooks(deps, state);
  await ready();
  return 0;
}

/** Whoever removes the FIFO's name is the one that starts. */
function release(path: string): void {
  const fd = openFifo(path);
  try {
    unlinkSync(path);
    writeSync(fd, "\0");
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? invalid("cannot start an already running container") : error;
  } finally {
    closeSync(fd);
  }
}

/** Opens at once or fails: the init holds the other end as long as it lives. */
function openFifo(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENXIO") throw invalid("cannot start a container that has stopped");
    throw codeOf(error) === "ENOENT" ? invalid("cannot start an already running container") : error;
  }
}

const codeOf = (error: unknown): unknown => (isRecord(error) ? error.code : undefined);
