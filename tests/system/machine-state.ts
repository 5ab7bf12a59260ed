// What an engine could leave on a machine, read before and after the tests.

import { spawnSync } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export type MachineState = Readonly<Record<string, readonly string[]>>;

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

const mounts = (): string[] =>
  lines(readFileSync("/proc/self/mountinfo", "utf8")).map((line) => line.split(" ").slice(3, 5).join(" "));

/** Every group of every hierarchy but the empty parent that engines share. */
function cgroups(): string[] {
  const hierarchies = lines(readFileSync("/proc/self/mountinfo", "utf8"))
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
  return hierarchies
    .flatMap((mount) => globSync(`${mount}/**/`))
    .filter((path) => !/\/docker\/?$/.test(path));
}

/** Programs that engines and tests start; whatever else runs on the machine is not ours to judge. */
const OURS = /gantry|docker|containerd|runc|registry|nginx|busybox/;

function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return OURS.test(command) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

const interfaces = (): string[] => readdirSync("/sys/class/net");

function networkNamespaces(): string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return [];
  }
}

/** None where the kernel has no nf_tables: nft fails there. */
const rules = (): string[] => lines(spawnSync("nft", ["list", "ruleset"], { encoding: "utf8" }).stdout);

export const readMachineState = (): MachineState => ({
  mount: mounts(),
  cgroup: cgroups(),
  interface: interfaces(),
  "network namespace": networkNamespaces(),
  "nftables rule": rules(),
  process: processes(),
});

/** What is there after that was not before: "mount /x /y". */
export const differences = (before: MachineState, after: MachineState): string[] =>
  Object.entries(after).flatMap(([kind, items]) => {
    const known = new Set(before[kind]);
    return items.filter((item) => !known.has(item)).map((item) => `${kind} ${item}`);
  });

const PATIENCE_MS = 30_000;

/** What runs out by itself, as the residents of gantry-runc do, is not left behind. */
export async function settledDifferences(before: MachineState): Promise<readonly string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const left = differences(before, readMachineState());
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(200);
  }
}
