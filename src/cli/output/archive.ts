// Archives leave by a file that is named when it is whole, or by standard output; never onto a terminal.

import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Session } from "../session.ts";

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
  const chunks = await open();
  const part = `${path}.part-${process.pid}`;
  try {
    await pipeline(chunks, createWriteStream(part));
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
