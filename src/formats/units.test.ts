import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBinarySize,
  formatDuration,
  formatGoDuration,
  formatSize,
  parseBinarySize,
  parseGoDuration,
  parseNanoCpus,
} from "./units.ts";

const table = <In, Out>(
  name: string,
  of: (value: In) => Out,
  rows: readonly (readonly [In, Out])[],
): void => {
  for (const [given, wanted] of rows)
    test(`${name}: ${given} is ${wanted}`, () => assert.equal(of(given), wanted));
};

table("formatSize", (bytes: number) => formatSize(bytes), [
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [1536, "1.536kB"],
  [1234567, "1.235MB"],
  [999999, "1000kB"],
  [1980000, "1.98MB"],
  [4.2e12, "4.2TB"],
]);
table("formatSize with three digits", (bytes: number) => formatSize(bytes, 3), [
  [1536, "1.54kB"],
  [133456789, "133MB"],
  [999999, "1e+03kB"],
  [56, "56B"],
]);
table("formatBinarySize", formatBinarySize, [
  [0, "0B"],
  [1536, "1.5KiB"],
  [512 * 1024 * 1024, "512MiB"],
  [8306876416, "7.736GiB"],
]);
table("parseBinarySize", parseBinarySize, [
  ["64", 64],
  ["512m", 536870912],
  ["1.5g", 1610612736],
  ["1 GiB", 1073741824],
  ["32kb", 32768],
  ["4b", 4],
  ["", undefined],
  ["m", undefined],
  ["-1m", undefined],
  ["1x", undefined],
]);
table("parseNanoCpus", parseNanoCpus, [
  ["1.5", 1500000000],
  [".25", 250000000],
  ["0.000000001", 1],
  ["0.0000000001", undefined],
  ["two", undefined],
  ["", undefined],
]);
table("formatDuration", (seconds: number) => formatDuration(seconds * 1000), [
  [0.4, "Less than a second"],
  [1.9, "1 second"],
  [59, "59 seconds"],
  [60, "About a minute"],
  [119, "About a minute"],
  [120, "2 minutes"],
  [3599, "59 minutes"],
  [3600, "About an hour"],
  [5399, "About an hour"],
  [5400, "2 hours"],
  [86400, "24 hours"],
  [172800, "2 days"],
  [86400 * 13, "13 days"],
  [86400 * 14, "2 weeks"],
  [86400 * 59, "8 weeks"],
  [86400 * 60, "2 months"],
  [86400 * 729, "24 months"],
  [86400 * 730, "2 years"],
]);
table("parseGoDuration", parseGoDuration, [
  ["1h15m30.5s", 4530500000000],
  ["-1.5h", -5400000000000],
  ["100ms", 100000000],
  ["0", 0],
  ["5", undefined],
  ["1d", undefined],
]);
table("formatGoDuration", formatGoDuration, [
  [0, "0s"],
  [90e9, "1m30s"],
  [1.5e9, "1.5s"],
  [2e8, "200ms"],
  [3.6e12, "1h0m0s"],
  [1500, "1.5µs"],
]);
