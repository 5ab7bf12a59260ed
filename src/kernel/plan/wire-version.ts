// Both sides refuse a plan of another layout: a shim may be older than the daemon that adopts it.

import { createHash } from "node:crypto";
import { opFields } from "./op-fields.table.ts";

/** First four bytes of the hash of the operations' layout. */
export const planVersion = createHash("sha256").update(JSON.stringify(opFields)).digest().readUInt32LE(0);
