// For tests: a directory as a root of trees.

import { type OwnedFd, openFlags, openPath, owned } from "./calls.ts";

export const openDirectory = (path: string): OwnedFd =>
  owned(openPath(path, openFlags.path | openFlags.directory));
