// Errors in the words of Docker's client.

import { ApiError } from "#client/api-error.ts";

export function messageFor(error: unknown): string {
  if (error instanceof ApiError) return `Error response from daemon: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
