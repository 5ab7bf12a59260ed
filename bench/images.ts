// Images of one layer beside dockerd 20.10, ctr on a real containerd 1.6, and podman: node bench/images.ts [MEGABYTES [ROUNDS]], as root. pull, push,
// save and load of an image of small files (this machine's /usr) and of one that is a single file; all from and to registries on loopback, in
// turns. It prints a table for NOTES.md, with the peak memory of gantryd and the longest time that its event loop was blocked.
//
// Everything is on a new file system, and nothing is removed until the end: after thousands of files were removed, making others takes up to ten
// times as long for minutes (ext4 does not give an inode that was freed of late to another file, and passes over such ones one by one).

import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, startEngine } from "../tests/system/engine.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { startRealContainerd } from "../tests/system/real-containerd.ts";
import { startRegistry } from "../tests/system/registry.ts";
import { type Kind, makeImageArchive, pushArchive } from "./image-archives.ts";
import { ctrProgram, dockerProgram, type Program, podmanProgram } from "./image-programs.ts";
import { median, timed } from "./pair.ts";

const megabytes = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 3);
const SOURCE_PORT = 5000;
const TARGET_PORT = 5001;
const source = `127.0.0.1:${SOURCE_PORT}`;
const target = `127.0.0.1:${TARGET_PORT}`;

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

interface Bench {
  readonly engine: Engine;
  readonly programs: readonly Program[];
  readonly folder: string;
}

const verbs = ["pull", "push", "save", "load"] as const;
type Verb = (typeof verbs)[number];

const kinds: readonly Kind[] = ["files", "file"];

/** What one round of a kind pulls, pushes and saves, and the archive of another image that it loads. */
interface Material {
  readonly image: string;
  readonly archive: string;
}

const materialOf = ({ folder }: Pick<Bench, "folder">, kind: Kind, round: number): Material => ({
  image: `${kind}-${round}`,
  archive: join(folder, `${kind}-${round}-load.tar`),
});

async function once(bench: Bench, program: Program, verb: Verb, material: Material): Promise<number> {
  const { engine, folder } = bench;
  const { image, archive } = material;
  const saved = join(folder, "saved.tar");
  const name = `${source}/${image}:latest`;
  await must(["sync"]);
  if (verb === "pull") return await timed(() => program.pull(name));
  if (verb === "load") return await timed(() => program.load(archive));
  if (verb === "push") {
    await using _empty = await startRegistry(engine.netns, TARGET_PORT);
    return await timed(() => program.push(name, `${target}/${image}:latest`));
  }
  try {
    return await timed(() => program.save(name, saved));
  } finally {
    await rm(saved, { force: true });
  }
}

async function measure(bench: Bench, verb: Verb, kind: Kind): Promise<Measured> {
  const times = new Map<string, number[]>(bench.programs.map(({ name }) => [name, []]));
  const tolls: Toll[] = [];
  for (let round = 0; round < rounds; round++)
    for (const program of bench.programs) {
      const watch = new Watch(bench.engine);
      times.get(program.name)?.push(await once(bench, program, verb, materialOf(bench, kind, round)));
      if (program === bench.programs[0]) tolls.push(watch.end());
    }
  return { what: `\`${verb}\` of ${kind}`, times, tolls };
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
async function measureMachine(bench: Bench): Promise<string> {
  const { folder, engine } = bench;
  const layer = join(folder, "layer.tar");
  const blob = join(folder, "blob");
  const into = join(folder, "unpacked");
  await mkdir(into);
  const { archive } = materialOf(bench, "files", 0);
  await must(["sh", "-c", `tar -xOf ${archive} layer.tar > ${layer}; gzip -6 -c ${layer} > ${blob}; sync`]);
  const seconds = async (...words: readonly string[]): Promise<string> =>
    `${((await timed(() => must(words, { netns: engine.netns }))) / 1000).toFixed(1)} s`;
  const figures = [
    `gzip -d ${await seconds("sh", "-c", `gzip -dc ${blob} > /dev/null`)}`,
    `sha256 of the compressed layer ${await seconds("sha256sum", blob)}, of the plain one ${await seconds("sha256sum", layer)}`,
    `tar -x ${await seconds("tar", "-C", into, "-xf", layer)}, then sync ${await seconds("sync")}`,
    `a copy of the plain layer with sync ${await seconds("sh", "-c", `cp ${layer} ${layer}.copy && sync`)}`,
  ];
  return `Each alone, of the image of files: ${figures.join("; ")}.`;
}

/** Each image in the registry, and as an archive that all of the programs load. */
async function makeImages({ engine, folder }: Bench): Promise<void> {
  for (const kind of kinds)
    for (let round = 0; round < rounds; round++) {
      const { image } = materialOf({ folder }, kind, round);
      const pulled = { folder, kind, megabytes, reference: `${source}/${image}:latest`, within: image };
      const archive = await makeImageArchive(pulled);
      await pushArchive(archive, pulled.reference, engine.netns);
      await rm(archive);
      const within = `${image}-load`;
      await makeImageArchive({ ...pulled, reference: `${source}/${within}:latest`, within });
    }
}

/** A new file system, where temporary files are made from now on. It is of room that is taken as it is needed. */
async function newFileSystem(): Promise<AsyncDisposable & { readonly folder: string }> {
  await using undo = new AsyncDisposableStack();
  const outer = await mkdtemp(join(tmpdir(), "gantry-images-"));
  undo.defer(() => rm(outer, { recursive: true }));
  const [disk, folder] = [join(outer, "disk"), join(outer, "d")]; // short: podman wants that;
  await mkdir(folder);
  await must(["truncate", "-s", `${megabytes * rounds * 60 + 4000}M`, disk]);
  await must(["mkfs.ext4", "-q", "-N", "2000000", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk]);
  await must(["mount", "-o", "loop", disk, folder]);
  undo.defer(() => must(["umount", folder]).then(() => undefined));
  process.env.TMPDIR = folder;
  const cleanup = undo.move();
  return { folder, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

async function main(): Promise<void> {
  await using newDisk = await newFileSystem();
  const folder = newDisk.folder;
  await using engine = await startEngine({ config: { debug: true } });
  await using peer = await startPeer({ netns: engine.netns });
  await using containerd = await startRealContainerd(engine.netns);
  await using _registry = await startRegistry(engine.netns, SOURCE_PORT);
  const programs = [
    dockerProgram("Gantry", engine),
    dockerProgram("dockerd 20.10", peer),
    ctrProgram(containerd.socket, engine.netns),
    podmanProgram(folder, engine.netns),
  ];
  const bench = { engine, programs, folder };
  await makeImages(bench);
  const names = programs.map(({ name }) => name);
  const all: Measured[] = [];
  for (const kind of kinds)
    for (const verb of verbs) {
      all.push(await measure(bench, verb, kind));
      console.log(`${table(names, all)}\n`);
    }
  const least = await measureMachine(bench);
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `${megabytes} MB. Milliseconds, least / median of ${rounds}, in turns; ratios are theirs / ours, pair by pair. Load ${load}.\n${least}`,
  );
}

await main();
