// Block I/O of version 1. Which files count depends on the I/O scheduler; as runc does, the first group whose first file tells
// something is taken: BFQ (with its debugging files, without), CFQ, the throttle's files of the whole subtree, those of the cgroup alone.

import { parseCount } from "./read-files.ts";
import type { BlockEntry, BlockStats } from "./stats.ts";

type Kind = keyof Omit<BlockStats, "psi">;
type Group = readonly (readonly [file: string, kind: Kind])[];

const groups: readonly Group[] = [
  [
    ["bfq.sectors_recursive", "sectorsRecursive"],
    ["bfq.io_service_time_recursive", "ioServiceTimeRecursive"],
    ["bfq.io_wait_time_recursive", "ioWaitTimeRecursive"],
    ["bfq.io_merged_recursive", "ioMergedRecursive"],
    ["bfq.io_queued_recursive", "ioQueueRecursive"],
    ["bfq.time_recursive", "ioTimeRecursive"],
    ["bfq.io_serviced_recursive", "ioServicedRecursive"],
    ["bfq.io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  [
    ["bfq.io_serviced_recursive", "ioServicedRecursive"],
    ["bfq.io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  [
    ["sectors_recursive", "sectorsRecursive"],
    ["io_service_time_recursive", "ioServiceTimeRecursive"],
    ["io_wait_time_recursive", "ioWaitTimeRecursive"],
    ["io_merged_recursive", "ioMergedRecursive"],
    ["io_queued_recursive", "ioQueueRecursive"],
    ["time_recursive", "ioTimeRecursive"],
    ["io_serviced_recursive", "ioServicedRecursive"],
    ["io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  [
    ["throttle.io_serviced_recursive", "ioServicedRecursive"],
    ["throttle.io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  [
    ["throttle.io_serviced", "ioServicedRecursive"],
    ["throttle.io_service_bytes", "ioServiceBytesRecursive"],
  ],
];

export function readBlockStats(read: (file: string) => string): BlockStats {
  for (const group of groups) {
    const [first] = group;
    if (first === undefined || parseBlockEntries(read(first[0])).length === 0) continue;
    return Object.fromEntries(group.map(([file, kind]) => [kind, parseBlockEntries(read(file))]));
  }
  return {};
}

/** Lines "8:0 Read 4096" or "8:0 4096"; the sum "Total 4608" is left out. */
export const parseBlockEntries = (text: string): readonly BlockEntry[] =>
  text.split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line);
    if (match === null) return [];
    const [, major, minor, op, value = ""] = match;
    const entry = { major: Number(major), minor: Number(minor), value: parseCount(value) };
    return [op === undefined ? entry : { ...entry, op }];
  });
