// Runs the whole suite: unit tests in one process, then the tests that cross layers, one file at a time, then those that the kernel
// matters to once more in guests with pure cgroup version 2 (tests/vm).
// The machine's state before and after is compared, so that a leak of any test fails the run. All that failed is told once more at the end.

import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { readMachineState, settledDifferences } from "../tests/system/machine-state.ts";
import { testInGuest } from "../tests/vm/run.ts";
import { missingPackages } from "./packages.ts";
import { addCounts, passedUnless, runTests } from "./run-tests.ts";

const root = process.getuid?.() === 0;

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
  // As in a machine for one user: the services among them are installed and not started.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  execFileSync("apt-get", ["update", "-qq"], { stdio: "inherit", env });
  execFileSync(command[0] ?? "", command.slice(1), { stdio: ["ignore", "ignore", "inherit"], env });
}

if (root) installPackages();
const only = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unit = only.length > 0 ? [] : globSync(["src/**/*.test.ts", "tests/*.test.ts"]);
const crossing = only.length > 0 ? only : globSync("tests/*/**/*.test.ts").sort();

const before = root ? readMachineState() : undefined;
let total = runTests(unit, ["--test-isolation=none"]);
total = addCounts(total, runTests(crossing, ["--test-concurrency=1", "--test-timeout=300000"]));
if (root && only.length === 0)
  for (const guest of ["uml", "systemd"] as const) total = addCounts(total, await testInGuest(guest));

if (before !== undefined) {
  const left = await settledDifferences(before);
  total = addCounts(total, passedUnless(left.map((line) => `left behind: ${line}`)));
}
for (const words of total.failures) console.log(`\n✖ ${words}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
