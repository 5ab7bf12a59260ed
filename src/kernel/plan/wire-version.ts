// Both sides refuse a plan of another make: a shim may be older than the daemon that adopts it.

import { createHash } from "node:crypto";
import { calls, constants, natives } from "./steps/steps.table.ts";

/** First four bytes of the hash of what a plan is made of. */
export const planVersion = createHash("sha256")
  .update(JSON.stringify([calls, natives, constants]))
  .digest()
  .readUInt32LE(0);
