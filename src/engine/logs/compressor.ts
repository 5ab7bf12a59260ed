// Compresses rotated log files. The shim goes on renaming them meanwhile, so a finished file takes the place of its original in one step,
// under whichever name that has by then, and keeps that name.

import { open, rm, stat } from "node:fs/promises";
import { exchangeNames, LibcError } from "#kernel/libc.ts";
import { CompressedLog, compressLog } from "./compressed-log.ts";
import { type LogFile, openLogFile } from "./log-file.ts";
import { logPaths } from "./log-files.ts";
import type { LogSource } from "./read.ts";

/** All rotated files that are not compressed yet. Idempotent; one call at a time for each log. */
export async function compressRotated(source: LogSource, signal: AbortSignal): Promise<void> {
  const [, ...rotated] = logPaths(source.path, source.maxFiles);
  for (const path of rotated.toReversed()) {
    await using file = await openLogFile(path);
    if (file === undefined || file instanceof CompressedLog) continue;
    await compressOne(source, file, signal);
  }
}

async function compressOne(source: LogSource, file: LogFile, signal: AbortSignal): Promise<void> {
  const unfinished = `${source.path}.compressing`;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(unfinished, { force: true }));
  await using out = await open(unfinished, "w", 0o640);
  await compressLog(file, out, signal);
  await replace(source, file.id, unfinished);
}

/** A rotation between the look and the exchange takes another file out: it goes back to where the finished one is by then. */
async function replace(source: LogSource, id: string, finished: string): Promise<void> {
  const own = await idAt(finished);
  for (let attempt = 0; attempt < 20; attempt++) {
    const taken = await idAt(finished);
    if (taken === id) return;
    const place = await nameOf(source, taken === own ? id : own);
    if (place === undefined || !exchange(finished, place)) return; // rotated away
  }
}

async function nameOf(source: LogSource, id: string | undefined): Promise<string | undefined> {
  for (const path of logPaths(source.path, source.maxFiles).slice(1))
    if ((await idAt(path)) === id) return path;
  return undefined;
}

async function idAt(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino}-${found.birthtimeNs}`;
}

function exchange(first: string, second: string): boolean {
  try {
    exchangeNames(first, second);
    return true;
  } catch (error) {
    if (error instanceof LibcError) return false; // gone, or this system cannot
    throw error;
  }
}
