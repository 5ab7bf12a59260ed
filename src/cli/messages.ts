// Errors in the words of Docker's client.

import { ApiError } from "#client/api-error.ts";

/** "ENOENT: no such file or directory, open '/x'" as Go writes it: "open /x: no such file or directory". */
const systemMessage = (message: string): string =>
  message.replace(
    /^E[A-Z]+: ([^,]+), (\w+) '(.*)'$/s,
    (_, reason, call, path) => `${call} ${path}: ${reason}`,
  );

export function messageFor(error: unknown): string {
  if (error instanceof ApiError) return `Error response from daemon: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return systemMessage(error.message);
  return error instanceof Error ? error.message : String(error);
}
