// Reading the files of cgroups. Synchronous: it takes the kernel microseconds and never waits for a disk.

import { readdirSync, readFileSync } from "node:fs";

/** A number of the kernel. Those beyond 2^53, such as "no limit", are kept exact. */
export type Count = number | bigint;

/** Version 2's "max" as runc tells it. */
export const UNLIMITED = 2n ** 64n - 1n;

const absent = ["ENOENT", "ENODEV", "EOPNOTSUPP", "ENOTSUP"];

/** "" for a file that this kernel lacks, and of a cgroup that is gone or not there (`directory` undefined). */
export function readFileIn(directory: string | undefined, file: string): string {
  if (directory === undefined) return "";
  try {
    return readFileSync(`${directory}/${file}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && absent.includes(String(error.code))) return "";
    throw error;
  }
}

/** The files of a cgroup; none if it is gone. */
export function readNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** 0 for what is no number. */
export function parseCount(text: string): Count {
  const trimmed = text.trim();
  if (trimmed === "max") return UNLIMITED;
  if (!/^-?\d+$/.test(trimmed)) return 0;
  const value = Number(trimmed);
  return Number.isSafeInteger(value) ? value : BigInt(trimmed);
}

/** Lines "name number". */
export function parseCounts(text: string): Readonly<Record<string, Count>> {
  const rows = text.split("\n").map((line) => line.split(" "));
  return Object.fromEntries(
    rows.flatMap(([name = "", value]) => (value === undefined ? [] : [[name, parseCount(value)]])),
  );
}

/** "0-2,5" */
export function parseList(text: string): readonly number[] {
  return text
    .trim()
    .split(",")
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    });
}
