// One run of node's test runner, counted.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and why, a text of several lines each. */
  readonly failures: readonly string[];
}

export const noTests: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };

export const oneFailure = (words: string): Counts => ({ ...noTests, failed: 1, failures: [words] });

/** One that passes if there is nothing to say. */
export const passedUnless = (words: readonly string[]): Counts =>
  words.length === 0 ? { ...noTests, passed: 1 } : oneFailure(words.join("\n"));

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  failures: [...a.failures, ...b.failures],
});

/** How long what gantry-runc and gantry leave resident wait for a further command: it is to have ended when the machine is compared. */
const LINGER_SECONDS = "2";

/** The runner's own output goes to the terminal, the counts come back. */
export function runTests(files: readonly string[], flags: readonly string[]): Counts {
  if (files.length === 0) return noTests;
  const scratch = mkdtempSync(join(tmpdir(), "gantry-test-"));
  const report = join(scratch, "counts.json");
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  reporters.push(`--test-reporter=${join(import.meta.dirname, "count-reporter.ts")}`);
  reporters.push(`--test-reporter-destination=${report}`);
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  // A test that timed out may have left a socket or a process that would keep its file, and so the run, from ending.
  const run = spawnSync(process.execPath, ["--test", "--test-force-exit", ...flags, ...reporters, ...files], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { GANTRY_RUNC_LINGER: LINGER_SECONDS, GANTRY_LINGER: LINGER_SECONDS, ...env },
  });
  const counts: Counts = JSON.parse(readFileSync(report, "utf8"));
  rmSync(scratch, { recursive: true });
  const crashed = run.status !== 0 && counts.failed === 0;
  return crashed
    ? addCounts(counts, oneFailure(`the test runner ended with ${run.status ?? run.signal}`))
    : counts;
}
