// Runs the selected tests in a guest: node tests/vm/run.ts [uml|qemu|systemd] [FILE...]

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { addCounts, type Counts } from "../../tools/run-tests.ts";
import { type GuestEnd, type GuestFolder, makeGuestFolder } from "./guest.ts";
import { type GuestName, guests } from "./selection.ts";
import { runUml } from "./uml.ts";

const project = join(import.meta.dirname, "../..");

/** What the tests of a guest find in their environment. */
const environment: Readonly<Record<GuestName, Readonly<Record<string, string>>>> = {
  uml: { GANTRY_TEST_NETWORK: "none" },
  qemu: {},
  systemd: {},
};

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

interface Share {
  readonly lane: number;
  readonly lanes: number;
  readonly files: readonly string[];
}

function commandFor(guest: GuestName, { lane, lanes, files }: Share): string {
  const variables = Object.entries(environment[guest]).map(([key, value]) => `export ${key}=${quote(value)}`);
  return [
    `cd ${quote(project)}`,
    `export PATH=${quote(`${project}/node_modules/.bin`)}:$PATH`,
    ...variables,
    `exec node tests/vm/guest-tests.ts ${guest} ${lane}/${lanes} "$GANTRY_GUEST/counts" ${files.map(quote).join(" ")}`,
  ].join("\n");
}

const limits: Readonly<Record<GuestName, number>> = { uml: 600, qemu: 3600, systemd: 3600 };

async function start(guest: GuestName, folder: GuestFolder): Promise<GuestEnd> {
  if (guest === "uml") return await runUml(folder, limits.uml);
  const { runQemu } = await import("./qemu.ts");
  return await runQemu(folder, { systemd: guest === "systemd", seconds: limits[guest] });
}

/** A guest that this machine cannot run counts as one skipped test, one that breaks as a failed one. */
async function runShare(guest: GuestName, share: Share): Promise<Counts> {
  using folder = makeGuestFolder(commandFor(guest, share));
  const began = performance.now();
  const end = await start(guest, folder);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const name = share.lanes > 1 ? `${guest} ${share.lane + 1} of ${share.lanes}` : guest;
  console.log(folder.read("output"));
  const counts = folder.read("counts");
  if (end.kind === "unavailable") {
    console.log(`﹣ guest ${name} # skipped, it cannot run on this machine: ${end.reason}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  if (end.kind === "failed" || counts === "") {
    const reason = end.kind === "failed" ? end.reason : `no counts, exit code ${end.exitCode}`;
    console.log(`✖ guest ${name}: ${reason}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  console.log(`guest ${name}: up after ${end.bootSeconds} s, ${seconds} s in all`);
  return JSON.parse(counts);
}

/** Without `files` those of the selection. Guests of one processor share them out. */
export async function testInGuest(guest: GuestName, files: readonly string[] = []): Promise<Counts> {
  const lanes = guest === "uml" && files.length === 0 ? Math.min(2, availableParallelism()) : 1;
  const shares = Array.from({ length: lanes }, (_, lane) => runShare(guest, { lane, lanes, files }));
  return (await Promise.all(shares)).reduce(addCounts);
}

if (import.meta.main) {
  const [name = "uml", ...files] = process.argv.slice(2);
  const guest = guests.find((known) => known === name);
  if (guest === undefined) throw new Error(`usage: node tests/vm/run.ts [${guests.join("|")}] [FILE...]`);
  const { passed, failed, skipped } = await testInGuest(guest, files);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
