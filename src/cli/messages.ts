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
const systemMessage = (message: string): string =>
  message.replace(
    /^(E[A-Z0-9]+): ([^,]+), (\w+) '(.*)'$/s,
    (_, code, reason, call, path) => `${call} ${path}: ${SYSTEM_WORDS[code] ?? reason}`,
  );

export function messageFor(error: unknown): string {
  if (error instanceof ApiError) return `Error response from daemon: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return systemMessage(error.message);
  return error instanceof Error ? error.message : String(error);
}
