// --cidfile: a new container's id in a file, which is there before the container so that no container is made in vain.

import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { messageFor } from "./messages.ts";

export interface ContainerIdFile extends Disposable {
  write(id: string): void;
}

/** Throws an Error in Docker's words if the file is there or cannot be. Disposed before an id was written, it is removed. */
export function createContainerIdFile(path: string): ContainerIdFile {
  if (existsSync(path))
    throw new Error(`container ID file found, make sure the other container isn't running or delete ${path}`);
  const fd = create(path);
  let isWritten = false;
  return {
    write: (id) => {
      writeFileSync(fd, id);
      isWritten = true;
    },
    [Symbol.dispose]: () => {
      closeSync(fd);
      if (!isWritten) rmSync(path, { force: true });
    },
  };
}

function create(path: string): number {
  try {
    return openSync(path, "wx", 0o666);
  } catch (cause) {
    throw new Error(`failed to create the container ID file: ${messageFor(cause)}`, { cause });
  }
}
