// What a container uses, as its cgroups tell. Numbers are those of the kernel's files; times are nanoseconds, sizes bytes.

import { array, type Decoded, number, object, record, string } from "#base/decode.ts";

const decodeCpu = object(
  {
    total: number,
    user: number,
    kernel: number,
    /** Total by processor; empty where the kernel does not tell (version 2). */
    perCpu: array(number),
    periods: number,
    throttledPeriods: number,
    throttledTime: number,
  },
  {},
);

const decodeMemory = object(
  {
    usage: number,
    /** 0: none. */
    limit: number,
    maxUsage: number,
    failures: number,
    /** memory.stat */
    stat: record(number),
    /** Processes killed for memory. */
    oomKills: number,
  },
  {},
);

const decodeBlockIo = object(
  {
    major: number,
    minor: number,
    /** "Read", "Write", "Sync", "Async", "Discard", "Total". */
    op: string,
    bytes: number,
    operations: number,
  },
  {},
);

/** For the way through JSON. */
export const decodeUsage = object(
  {
    /** Milliseconds since the epoch. */
    readAt: number,
    cpu: decodeCpu,
    memory: decodeMemory,
    /** limit 0: none. */
    pids: object({ current: number, limit: number }, {}),
    blockIo: array(decodeBlockIo),
  },
  {},
);

export type TaskUsage = Decoded<typeof decodeUsage>;
export type BlockIo = Decoded<typeof decodeBlockIo>;
