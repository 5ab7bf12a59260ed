// Runs the selected tests inside a guest: node tests/vm/guest-tests.ts GUEST LANE/LANES REPORT [FILE...]. Of the selected files each lane
// runs its share. REPORT gets the counts as JSON; what is left out counts as skipped, and what the tests leave behind as a failure.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import {
  addCounts,
  type Counts,
  noTests,
  oneFailure,
  passedUnless,
  runTests,
} from "../../tools/run-tests.ts";
import { readMachineState, settledDifferences } from "../system/machine-state.ts";
import { guests, type LeftOut, leftOutIn, selectedIn } from "./selection.ts";

const quote = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** A test that a list names and that is not there any more would be left out for ever, unseen. */
const isStale = ({ file, test, written = JSON.stringify(test) }: LeftOut): boolean =>
  !existsSync(file) || (test !== undefined && !readFileSync(file, "utf8").includes(written));

const [name = "", share = "", report = "", ...only] = process.argv.slice(2);
const guest = guests.find((known) => known === name);
if (guest === undefined) throw new Error(`no such guest: ${name}`);
const [lane = 0, lanes = 1] = share.split("/").map(Number);

const out = leftOutIn(guest);
const isLeftOut = (file: string): boolean =>
  out.some((entry) => entry.file === file && entry.test === undefined);
const selection = selectedIn(guest).filter((file) => !isLeftOut(file));
const files = only.length > 0 ? only : selection.filter((_, index) => index % lanes === lane);
const titles = new Set(out.flatMap(({ test }) => (test === undefined ? [] : [test])));
const flags = [...titles].map((title) => {
  const whole = !title.endsWith("...");
  return `--test-skip-pattern=/^(.* )?${quote(whole ? title : title.slice(0, -3))}${whole ? "( .*)?$" : ""}/`;
});

const before = readMachineState();
let counts: Counts = runTests(files, ["--test-concurrency=1", "--test-timeout=900000", ...flags]);
const left = await settledDifferences(before);
counts = addCounts(counts, passedUnless(left.map((line) => `left behind in the guest: ${line}`)));
for (const entry of lane === 0 && only.length === 0 ? out : []) {
  const words = `${entry.file} ${entry.test ?? ""} # ${entry.why}`;
  if (!isStale(entry)) console.log(`﹣ left out: ${words}`);
  counts = addCounts(
    counts,
    isStale(entry) ? oneFailure(`left out, and not found: ${words}`) : { ...noTests, skipped: 1 },
  );
}
const failures = counts.failures.map((words) => `guest ${name}: ${words}`);
writeFileSync(report, JSON.stringify({ ...counts, failures }));
