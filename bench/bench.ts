// Compares Gantry with a real dockerd on this machine in one paired run and writes bench/RESULTS.md.
//   node bench/bench.ts [--quick]

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type Engine, startEngine } from "../tests/system/engine.ts";
import { importBusybox } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { startRegistry } from "../tests/system/registry.ts";
import { makeLayer } from "./layer.ts";
import { descendants, findProcesses, type Memory, memoryOf, sum } from "./memory.ts";
import { measurePair, type Pair, timed } from "./pair.ts";
import { type Row, renderReport } from "./report.ts";
import { measureRuntimes } from "./runc.ts";

const quick = process.argv.includes("--quick");
const rounds = (count: number): number => (quick ? Math.max(2, Math.ceil(count / 5)) : count);
const folder = import.meta.dirname;

type Peer = Client & { readonly pid: number };
interface Both {
  readonly ours: Engine;
  readonly theirs: Peer;
}

const pairOf = (both: Both, sample: (client: Client) => Promise<number>): Pick<Pair, "ours" | "theirs"> => ({
  ours: () => sample(both.ours),
  theirs: () => sample(both.theirs),
});

/** The client as a user starts it; `client.docker` would enter the daemon's network namespace first, which costs time, too. */
const docker = (client: Client, ...args: readonly string[]): Promise<string> =>
  must(["docker", ...args], { env: { DOCKER_HOST: client.host } });

async function measureRuns(both: Both): Promise<Row[]> {
  const run = (client: Client, ...flags: readonly string[]) =>
    timed(() => docker(client, "run", "--rm", ...flags, "busybox", "true"));
  const atOnce = (client: Client) => timed(() => Promise.all(Array.from({ length: 20 }, () => run(client))));
  const fifth = { text: "a fifth of the time", advantage: 5 };
  return [
    {
      ...(await measurePair({
        name: "`run --rm busybox true`, bridge",
        unit: "ms",
        rounds: rounds(30),
        ...pairOf(both, run),
      })),
      target: fifth,
    },
    {
      ...(await measurePair({
        name: "`run --rm --network none busybox true`",
        unit: "ms",
        rounds: rounds(30),
        ...pairOf(both, (client) => run(client, "--network", "none")),
      })),
      target: fifth,
    },
    {
      ...(await measurePair({
        name: "20 of these runs at once, bridge",
        unit: "ms",
        rounds: rounds(5),
        ...pairOf(both, atOnce),
      })),
      target: fifth,
    },
  ];
}

async function measureExec(both: Both): Promise<Row[]> {
  await Promise.all(
    [both.ours, both.theirs].map((client) =>
      client.docker("run", "-d", "--name", "idle", "busybox", "sleep", "9999"),
    ),
  );
  const exec = (client: Client) => timed(() => docker(client, "exec", "idle", "true"));
  const figures = await measurePair({
    name: "`exec idle true`",
    unit: "ms",
    rounds: rounds(30),
    ...pairOf(both, exec),
  });
  return [{ ...figures, target: { text: "a third of the time", advantage: 3 } }];
}

const memoryRows = (name: string, ours: Memory, theirs: Memory): Row[] => [
  {
    name: `${name}, resident`,
    unit: "KiB",
    ours: [ours.resident],
    theirs: [theirs.resident],
    target: { text: "less", advantage: 1 },
  },
  {
    name: `${name}, private`,
    unit: "KiB",
    ours: [ours.private],
    theirs: [theirs.private],
    target: { text: "less", advantage: 1 },
  },
];

const daemonsOf = ({ ours, theirs }: Both): readonly [Memory, Memory] => {
  const shims = findProcesses("gantry-exec shim", ours.dir);
  const ourPids = descendants(ours.daemon.pid).filter((pid) => !shims.includes(pid));
  return [sum(ourPids.map(memoryOf)), sum(descendants(theirs.pid).map(memoryOf))];
};

/** Before anything has been asked of the daemons. */
const measureIdle = (both: Both): Row[] => memoryRows("idle daemon with its helpers", ...daemonsOf(both));

/** With one idle container running on each side (started by `measureExec`). */
function measureMemory(both: Both): Row[] {
  const { ours, theirs } = both;
  const shims = (pids: readonly number[]): Memory => sum(pids.map(memoryOf));
  const ourShim = shims(findProcesses("gantry-exec shim", ours.dir));
  const theirShim = shims(findProcesses("containerd-shim", theirs.netns));
  return [
    ...memoryRows("shim of one container", ourShim, theirShim),
    ...memoryRows("daemon with its helpers after these runs", ...daemonsOf(both)),
  ];
}

async function measurePull(both: Both, megabytes: number, count: number): Promise<Row[]> {
  await using theirRegistry = await startRegistry(both.theirs.netns);
  await using ourRegistry = await startRegistry(both.ours.netns);
  const image = `${theirRegistry.address}/big`;
  const dir = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  try {
    const { archive, files } = await makeLayer(dir, megabytes);
    await both.theirs.docker("import", archive, image);
    await both.theirs.docker("push", image);
    await both.theirs.docker("rmi", "-f", image);
    const copy = (netns: string, ...names: readonly string[]) =>
      must(["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", ...names], { netns });
    await copy(both.theirs.netns, `docker://${image}:latest`, `dir:${dir}/image`);
    await copy(both.ours.netns, `dir:${dir}/image`, `docker://${ourRegistry.address}/big:latest`);
    const pull = async (client: Client): Promise<number> => {
      const time = await timed(() => client.docker("pull", "-q", image));
      await client.docker("rmi", "-f", image);
      return time;
    };
    const figures = await measurePair({
      name: `\`pull\` of ${megabytes} MB in ${files} files from a local registry`,
      unit: "ms",
      rounds: count,
      ...pairOf(both, pull),
    });
    return [{ ...figures, target: { text: "no slower", advantage: 1 } }];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** 300 MB of 71-byte lines from one container into its log. */
async function measureLogs(both: Both): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  try {
    const line = `${"x".repeat(70)}\n`;
    await writeFile(join(dir, "lines"), line.repeat(Math.floor(300e6 / line.length)));
    const log = (client: Client) =>
      timed(async () => {
        const id = await client.docker("run", "-d", "-v", `${dir}:/data:ro`, "busybox", "cat", "/data/lines");
        await client.docker("wait", id);
        await client.docker("rm", id);
      });
    const figures = await measurePair({
      name: "300 MB of 71-byte lines into a container's log",
      unit: "ms",
      rounds: rounds(3),
      ...pairOf(both, log),
    });
    return [{ ...figures, target: { text: "a fifth of the time", advantage: 5 } }];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  await using ours = await startEngine();
  await using theirs = await startPeer();
  const both = { ours, theirs };
  const rows: Row[] = [...measureIdle(both), ...(await measureRuntimes(rounds(60)))];
  await Promise.all([importBusybox(ours), importBusybox(theirs)]);
  const pulls = [
    (pair: Both) => measurePull(pair, 200, rounds(3)),
    ...(quick ? [] : [(pair: Both) => measurePull(pair, 1100, 2)]),
  ];
  for (const measure of [measureRuns, measureExec, measureMemory, ...pulls, measureLogs]) {
    rows.push(...(await measure(both)));
    console.log(renderReport(rows, ""));
  }
  const running = ["idle"];
  for (const client of [ours, theirs]) await client.docker("rm", "-f", ...running);
  const notes = await readFile(join(folder, "NOTES.md"), "utf8");
  await writeFile(join(folder, "RESULTS.md"), renderReport(rows, notes));
}

await main();
