// Starting a daemon where none answers at the default place.

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError } from "#client/api-error.ts";
import { parseEndpoint } from "#client/endpoint.ts";
import { EngineClient } from "#client/engine-client.ts";
import { DEFAULT_HOST } from "./session.ts";

const RUN_FOLDER = "/run/gantry";
const LOG_FILE = `${RUN_FOLDER}/gantryd.log`;
const PATIENCE_MS = 15_000;

export interface AutostartDeps {
  readonly program: string;
  readonly stderr: Writable;
}

async function answers(signal: AbortSignal): Promise<boolean> {
  using client = new EngineClient({ endpoint: parseEndpoint(DEFAULT_HOST) });
  try {
    await client.ping(signal);
    return true;
  } catch (error) {
    if (error instanceof ConnectionError) return false;
    throw error;
  }
}

const lastLines = (path: string): string =>
  readFileSync(path, "utf8").trim().split("\n").slice(-3).join("\n");

/** Resolves when a daemon answers at the default host: ours, or one that another program started meanwhile. */
export async function startDaemon({ program, stderr }: AutostartDeps, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error(
      `Cannot connect to the Docker daemon at ${DEFAULT_HOST}. Is the docker daemon running?\n` +
        "Gantry can start a daemon by itself only as root: start bin/gantryd as root, or name a daemon with -H.",
    );
  stderr.write(
    `gantry: no daemon answers at ${DEFAULT_HOST}, starting one (log: ${LOG_FILE}; --no-autostart turns this off)\n`,
  );
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o711 });
  const log = openSync(LOG_FILE, "a", 0o600);
  const child = spawn(program, [], { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  let ended: string | undefined;
  child.once("exit", (code) => {
    ended = `it ended with code ${code}`;
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  child.unref();
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (await answers(signal)) return;
    if (ended !== undefined && !(await answers(signal))) break;
    await sleep(20, undefined, { signal });
  }
  throw new Error(
    `gantry: the daemon did not start: ${ended ?? "no answer"}; the end of ${LOG_FILE}:\n${lastLines(LOG_FILE)}`,
  );
}
