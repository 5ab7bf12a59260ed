// Archives leave by a file that is named when it is whole, or by standard output; never onto a terminal.

import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Session } from "../session.ts";

/** The archive takes the place of what is there, and a device's place is not ours to take. Throws in Docker's words. */
async function refuseDevice(path: string, failure: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isCharacterDevice() === true || found?.isBlockDevice() === true)
    throw new Error(
      `${failure}: invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: got a device`,
    );
}

/** `open` is called when there is a place to write to; `failure` stands before the message if there is none. */
export async function writeArchive(
  session: Session,
  path: string,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  failure: string,
): Promise<void> {
  const { stdout } = session.surroundings;
  if (path === "") {
    if (stdout.isTTY === true)
      throw new Error("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    await pipeline(await open(), stdout, { end: false });
    return;
  }
  const folder = dirname(path);
  await stat(folder).catch((cause: unknown) => {
    throw new Error(`${failure}: invalid output path: directory "${folder}" does not exist`, { cause });
  });
  await refuseDevice(path, failure);
  const chunks = await open();
  const part = `${path}.part-${process.pid}`;
  try {
    await pipeline(chunks, createWriteStream(part));
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
