// Runs the selected tests in a guest: node tests/vm/run.ts [uml|systemd|qemu|qemu-systemd] [FILE...]

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { addCounts, type Counts, noTests, oneFailure } from "../../tools/run-tests.ts";
import { type GuestEnd, type GuestFolder, makeGuestFolder } from "./guest.ts";
import { type GuestName, guests } from "./selection.ts";
import { runUml } from "./uml.ts";

const project = join(import.meta.dirname, "../..");

/** What the tests of a guest find in their environment. */
const environment: Readonly<Record<GuestName, Readonly<Record<string, string>>>> = {
  uml: { GANTRY_TEST_NETWORK: "none" },
  systemd: { GANTRY_TEST_NETWORK: "none" },
  qemu: {},
  "qemu-systemd": {},
};

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

interface Share {
  readonly lane: number;
  readonly lanes: number;
  readonly files: readonly string[];
}

/** The emulator is much quicker with programs of memory than with those of virtiofs. */
const nodeInMemory =
  'node=$(readlink -f "$(command -v node)"); cp "$node" /run/; mount --bind /run/node "$node"';

function commandFor(guest: GuestName, { lane, lanes, files }: Share): string {
  const variables = Object.entries(environment[guest]).map(([key, value]) => `export ${key}=${quote(value)}`);
  return [
    `cd ${quote(project)}`,
    `export PATH=${quote(`${project}/node_modules/.bin`)}:$PATH`,
    ...(isEmulated(guest) ? [nodeInMemory] : []),
    ...variables,
    `exec node tests/vm/guest-tests.ts ${guest} ${lane}/${lanes} "$GANTRY_GUEST/counts" ${files.map(quote).join(" ")}`,
  ].join("\n");
}

const isEmulated = (guest: GuestName): boolean => guest === "qemu" || guest === "qemu-systemd";

async function start(guest: GuestName, folder: GuestFolder): Promise<GuestEnd> {
  const systemd = guest === "systemd" || guest === "qemu-systemd";
  if (!isEmulated(guest)) return await runUml(folder, { systemd, seconds: 1800 });
  const { runQemu } = await import("./qemu.ts");
  return await runQemu(folder, { systemd, seconds: 14_400 });
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
    return { ...noTests, skipped: 1 };
  }
  if (end.kind === "failed" || counts === "") {
    const reason = end.kind === "failed" ? end.reason : `no counts, exit code ${end.exitCode}`;
    return oneFailure(`guest ${name}: ${reason}`);
  }
  console.log(`guest ${name}: up after ${end.bootSeconds} s, ${seconds} s in all`);
  return JSON.parse(counts);
}

/** Without `files` those of the selection, which two guests share out where they are many. */
export async function testInGuest(guest: GuestName, files: readonly string[] = []): Promise<Counts> {
  const long = guest === "uml" || guest === "qemu";
  const lanes = long && files.length === 0 ? Math.min(2, availableParallelism()) : 1;
  const shares = Array.from({ length: lanes }, (_, lane) => runShare(guest, { lane, lanes, files }));
  return (await Promise.all(shares)).reduce(addCounts);
}

if (import.meta.main) {
  const [name = "uml", ...files] = process.argv.slice(2);
  const guest = guests.find((known) => known === name);
  if (guest === undefined) throw new Error(`usage: node tests/vm/run.ts [${guests.join("|")}] [FILE...]`);
  const { passed, failed, skipped, failures } = await testInGuest(guest, files);
  for (const words of failures) console.log(`\n✖ ${words}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
