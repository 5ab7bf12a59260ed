import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Opens the file of an ingest, new or left by an earlier writer. */
export async function openIngest(
  path: string,
): Promise<{ readonly file: FileHandle; readonly size: number }> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const { size } = await file.stat();
  return { file, size };
}
