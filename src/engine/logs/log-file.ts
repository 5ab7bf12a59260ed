// A log file to read from anywhere in it: as the shim writes it, or compressed since.

import { type FileHandle, open } from "node:fs/promises";
import { CompressedLog, HEADER_BYTES, readMemberHeader } from "./compressed-log.ts";

export interface LogFile extends AsyncDisposable {
  /** Names the content: it stays while the file is renamed and when it is compressed. */
  readonly id: string;
  /** Bytes of log lines. */
  size(): Promise<number>;
  /** Reads at `position`; 0 at the end, and less than asked for anywhere. */
  read(buffer: Uint8Array, position: number): Promise<number>;
}

/** undefined if there is none. */
export async function openLogFile(path: string): Promise<LogFile | undefined> {
  const file = await openIfThere(path);
  if (file === undefined) return undefined;
  await using undo = new AsyncDisposableStack();
  undo.use(file);
  const id = await identify(file);
  const head = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(head, 0, HEADER_BYTES, 0);
  const member = bytesRead === HEADER_BYTES ? readMemberHeader(head) : undefined;
  undo.move();
  return member === undefined ? new PlainLog(file, id) : new CompressedLog(file, member.id);
}

class PlainLog implements LogFile {
  readonly id: string;
  readonly #file: FileHandle;

  constructor(file: FileHandle, id: string) {
    this.#file = file;
    this.id = id;
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    return (await this.#file.read(buffer, 0, buffer.length, position)).bytesRead;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** Inode numbers are used again; with the time of birth they name one file. */
async function identify(file: FileHandle): Promise<string> {
  const { ino, birthtimeNs } = await file.stat({ bigint: true });
  return `${ino}-${birthtimeNs}`;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
