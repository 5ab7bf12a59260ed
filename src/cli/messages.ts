// Errors in the words of Docker's client.

import { ApiError } from "#client/api-error.ts";

/** Where Node's words for an error of the system are not the system's own. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
};

/** "ENOENT: no such file or directory, open '/x'" as Go writes it: "open /x: no such file or directory". */
function systemMessage(message: string): string {
  const [, code = "", reason, call, path] = /^(E[A-Z0-9]+): ([^,]+), (\w+) '(.*)'$/s.exec(message) ?? [];
  return call === undefined ? message : `${call} ${path}: ${SYSTEM_WORDS[code] ?? reason}`;
}

export function messageFor(error: unknown): string {
  if (error instanceof ApiError) return `Error response from daemon: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return systemMessage(error.message);
  return error instanceof Error ? error.message : String(error);
}
