// Runs the whole suite: unit tests in one process, then the tests that cross layers, one file at a time.
// The machine's state before and after is compared, so that a leak of any test fails the run.

import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differences, readMachineState } from "../tests/system/machine-state.ts";
import { missingPackages } from "./packages.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), "gantry-test-"));
const root = process.getuid?.() === 0;

/** One run of node's test runner over `files`; its own output goes to the terminal, the counts come back. */
function runTests(files: readonly string[], flags: readonly string[]): Counts {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const report = join(scratch, "counts.json");
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  reporters.push(`--test-reporter=${join(import.meta.dirname, "count-reporter.ts")}`);
  reporters.push(`--test-reporter-destination=${report}`);
  const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
  const run = spawnSync(process.execPath, ["--test", ...flags, ...reporters, ...files], {
    stdio: ["ignore", "inherit", "inherit"],
    env,
  });
  const counts: Counts = JSON.parse(readFileSync(report, "utf8"));
  const crashed = run.status !== 0 && counts.failed === 0 ? 1 : 0;
  return { ...counts, failed: counts.failed + crashed };
}

function installPackages(): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  if (!process.argv.includes("--yes")) {
    console.error(
      `npm test needs Debian packages that are not installed. Install them with:\n  ${command.join(" ")}`,
    );
    console.error("or run: npm test -- --yes");
    process.exit(1);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["update", "-qq"], { stdio: "inherit", env });
  execFileSync(command[0] ?? "", command.slice(1), { stdio: ["ignore", "ignore", "inherit"], env });
}

const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

if (root) installPackages();
const only = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unit = only.length > 0 ? [] : globSync(["src/**/*.test.ts", "tests/*.test.ts"]);
const crossing = only.length > 0 ? only : globSync("tests/*/**/*.test.ts").sort();

const before = root ? readMachineState() : undefined;
let total = runTests(unit, ["--test-isolation=none"]);
total = add(total, runTests(crossing, ["--test-concurrency=1", "--test-timeout=300000"]));
rmSync(scratch, { recursive: true });

if (before !== undefined) {
  const left = differences(before, readMachineState());
  for (const line of left) console.log(`left behind: ${line}`);
  total = add(
    total,
    left.length === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 },
  );
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
