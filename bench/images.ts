// Images of one layer beside dockerd 20.10, ctr on a real containerd 1.6, and podman: node bench/images.ts [MEGABYTES [ROUNDS]], as root. pull, push,
// save and load of an image of small files (this machine's /usr) and of one that is a single file; all from and to registries on loopback, in
// turns. It prints a table for RESULTS.md, with the peak memory of gantryd and the longest time that its event loop was blocked.
// The disk needs about twenty times the megabytes.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, type Engine, startEngine } from "../tests/system/engine.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { startRealContainerd } from "../tests/system/real-containerd.ts";
import { startRegistry } from "../tests/system/registry.ts";
import { makeLayer } from "./layer.ts";
import { median, timed } from "./pair.ts";

const megabytes = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 3);
const SOURCE_PORT = 5000;
const TARGET_PORT = 5001;
const source = `127.0.0.1:${SOURCE_PORT}`;
const target = `127.0.0.1:${TARGET_PORT}`;

/** One of the programs that are compared, on storage of its own. */
interface Program {
  readonly name: string;
  readonly pull: (image: string) => Promise<unknown>;
  /** The image that was pulled, under another name. */
  readonly push: (image: string, to: string) => Promise<unknown>;
  readonly save: (image: string, file: string) => Promise<unknown>;
  readonly load: (file: string) => Promise<unknown>;
  /** Everything; its storage is empty then. */
  readonly clear: () => Promise<unknown>;
}

const dockerProgram = (name: string, client: Client): Program => ({
  name,
  pull: (image) => client.docker("pull", "-q", image),
  push: async (image, to) => {
    await client.docker("tag", image, to);
    await client.docker("push", "-q", to);
  },
  save: (image, file) => client.docker("save", "-o", file, image),
  load: (file) => client.docker("load", "-q", "-i", file),
  clear: () => client.docker("image", "prune", "-af"),
});

function ctrProgram(socket: string, netns: string): Program {
  const ctr = (...words: readonly string[]): Promise<string> =>
    must(["ctr", "-a", socket, ...words], { netns });
  return {
    name: "ctr, containerd",
    pull: (image) => ctr("images", "pull", "--plain-http", image),
    push: (image, to) => ctr("images", "push", "--plain-http", to, image),
    save: (image, file) => ctr("images", "export", file, image),
    load: (file) => ctr("images", "import", file),
    clear: async () => {
      const names = (await ctr("images", "ls", "-q")).split("\n").filter((name) => name !== "");
      if (names.length > 0) await ctr("images", "rm", "--sync", ...names);
    },
  };
}

function podmanProgram(folder: string, netns: string): Program {
  const storage = ["--root", join(folder, "podman"), "--runroot", join(folder, "podman-run")];
  const podman = (...words: readonly string[]): Promise<string> =>
    must(["podman", ...storage, ...words], { netns });
  return {
    name: "podman",
    pull: (image) => podman("pull", "-q", "--tls-verify=false", image),
    push: (image, to) => podman("push", "-q", "--tls-verify=false", image, to),
    save: (image, file) => podman("save", "-q", "-o", file, image),
    load: (file) => podman("load", "-q", "-i", file),
    clear: () => podman("rmi", "--all", "--force"),
  };
}

/** What happens in gantryd while something is measured. */
class Watch {
  readonly #engine: Engine;
  readonly #told: number;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#told = engine.daemon.output().length;
    writeFileSync(`/proc/${engine.daemon.pid}/clear_refs`, "5"); // the peak begins anew
  }

  /** Megabytes resident at most, and milliseconds that the event loop stood still at once; 0 if never more than 50. */
  end(): Toll {
    const status = readFileSync(`/proc/${this.#engine.daemon.pid}/status`, "utf8");
    const peak = Number(/^VmHWM:\s+([0-9]+)/m.exec(status)?.[1] ?? Number.NaN) / 1024;
    const told = this.#engine.daemon.output().slice(this.#told);
    const blocked = [...told.matchAll(/event loop blocked for ([0-9]+) ms/g)].map(([, time]) => Number(time));
    return { peak, blocked: Math.max(0, ...blocked) };
  }
}

interface Toll {
  readonly peak: number;
  readonly blocked: number;
}

interface Measured {
  readonly what: string;
  /** Milliseconds by program, round by round. */
  readonly times: ReadonlyMap<string, readonly number[]>;
  readonly tolls: readonly Toll[];
}

const verbs = ["pull", "push", "save", "load"] as const;
type Verb = (typeof verbs)[number];

interface Bench {
  readonly engine: Engine;
  readonly programs: readonly Program[];
  readonly folder: string;
}

/** Nothing of what was done before is under way any more. */
async function settle({ engine }: Bench): Promise<void> {
  const snapshots = join(engine.dir, "root/containerd/snapshots");
  const isGoing = (): boolean => readdirSync(snapshots).some((name) => name.startsWith("gone-"));
  await delay(500); // what nobody names is collected soon after
  while (isGoing()) await delay(100);
  await must(["sync"]);
}

async function once(bench: Bench, program: Program, verb: Verb, image: string): Promise<number> {
  const { engine, folder } = bench;
  const saved = join(folder, "saved.tar");
  const archive = join(folder, `${image}.tar`);
  const name = `${source}/${image}:latest`;
  if (verb === "push" || verb === "save") await program.pull(name);
  await settle(bench);
  try {
    if (verb === "pull") return await timed(() => program.pull(name));
    if (verb === "load") return await timed(() => program.load(archive));
    if (verb === "save") return await timed(() => program.save(name, saved));
    await using _empty = await startRegistry(engine.netns, TARGET_PORT);
    return await timed(() => program.push(name, `${target}/${image}:latest`));
  } finally {
    await program.clear();
    await rm(saved, { force: true });
  }
}

async function measure(bench: Bench, verb: Verb, image: string): Promise<Measured> {
  const times = new Map<string, number[]>(bench.programs.map(({ name }) => [name, []]));
  const tolls: Toll[] = [];
  for (let round = 0; round < rounds; round++)
    for (const program of bench.programs) {
      const watch = new Watch(bench.engine);
      times.get(program.name)?.push(await once(bench, program, verb, image));
      if (program === bench.programs[0]) tolls.push(watch.end());
    }
  return { what: `\`${verb}\` of ${image}`, times, tolls };
}

const show = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(0)} / ${median(values).toFixed(0)}`;

function line({ what, times, tolls }: Measured): string {
  const [ours = [], ...others] = times.values();
  const ratios = others.map((theirs) =>
    median(theirs.map((time, index) => time / (ours[index] ?? Number.NaN))),
  );
  const peak = Math.max(...tolls.map((toll) => toll.peak));
  const blocked = Math.max(...tolls.map((toll) => toll.blocked));
  const cells = [
    what,
    ...[...times.values()].map(show),
    ...ratios.map((ratio) => `${ratio.toFixed(2)} x`),
    peak.toFixed(0),
    blocked === 0 ? "none" : String(blocked),
  ];
  return `| ${cells.join(" | ")} |`;
}

function table(names: readonly string[], all: readonly Measured[]): string {
  const [, ...others] = names;
  const head = ["what", ...names, ...others.map((name) => `ratio, ${name}`), "peak, MB", "loop blocked, ms"];
  const rule = head.map(() => "---");
  return [head, rule]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .concat(all.map(line))
    .join("\n");
}

/** What this machine can, each alone: the least that a pull or a load takes. */
async function measureMachine({ folder, engine }: Bench): Promise<string> {
  const blob = join(folder, "blob");
  const into = join(folder, "unpacked");
  await must(["sh", "-c", `gzip -6 -c ${join(folder, "files.layer")} > ${blob}; mkdir ${into}; sync`]);
  const seconds = async (...words: readonly string[]): Promise<string> =>
    `${((await timed(() => must(words, { netns: engine.netns }))) / 1000).toFixed(1)} s`;
  const figures = [
    `gzip -d ${await seconds("sh", "-c", `gzip -dc ${blob} > /dev/null`)}`,
    `sha256 of the compressed layer ${await seconds("sha256sum", blob)}, of the plain one ${await seconds("sha256sum", join(folder, "files.layer"))}`,
    `tar -x ${await seconds("tar", "-C", into, "-xf", join(folder, "files.layer"))}, then sync ${await seconds("sync")}`,
    `a copy of the compressed layer with sync ${await seconds("sh", "-c", `cp ${blob} ${blob}.copy && sync`)}`,
  ];
  await rm(into, { recursive: true });
  return `Each alone, of the image of files: ${figures.join("; ")}.`;
}

/** Both images in the registry and as archives that all of the programs load. */
async function makeImages(bench: Bench, peer: Client): Promise<readonly string[]> {
  const { folder } = bench;
  const { archive, files } = await makeLayer(folder, megabytes);
  await must(["mv", archive, join(folder, "files.layer")]);
  await must(["tar", "-C", folder, "-cf", join(folder, "file.layer"), "files.layer"]);
  console.log(`${megabytes} MB in ${files} files, and as one file`);
  for (const image of ["files", "file"]) {
    const name = `${source}/${image}:latest`;
    await peer.docker("import", join(folder, `${image}.layer`), name);
    await peer.docker("push", "-q", name);
    await peer.docker("save", "-o", join(folder, `${image}.tar`), name);
    await peer.docker("image", "prune", "-af");
  }
  return ["files", "file"];
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-bench-images-"));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await using engine = await startEngine({ config: { debug: true } });
  await using peer = await startPeer({ netns: engine.netns });
  await using containerd = await startRealContainerd(engine.netns);
  await using _registry = await startRegistry(engine.netns, SOURCE_PORT);
  const podman = podmanProgram(folder, engine.netns);
  const programs = [
    dockerProgram("Gantry", engine),
    dockerProgram("dockerd 20.10", peer),
    ctrProgram(containerd.socket, engine.netns),
    podman,
  ];
  const bench = { engine, programs, folder };
  const images = await makeImages(bench, peer);
  const names = programs.map(({ name }) => name);
  const all: Measured[] = [];
  for (const image of images)
    for (const verb of verbs) {
      all.push(await measure(bench, verb, image));
      console.log(`${table(names, all)}\n`);
    }
  const least = await measureMachine(bench);
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `Milliseconds, least / median of ${rounds}, in turns; ratios are theirs / ours, pair by pair. Load ${load}.\n${least}`,
  );
}

await main();
