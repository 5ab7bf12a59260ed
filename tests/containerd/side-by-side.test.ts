// The same ctr command lines on Gantry's layer and on a real containerd 1.6: what ctr prints, its exit code and what the layers
// hold after each must be the same, but for what stands here with its reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { parseWalks, type Step, type Walk } from "../side-by-side/walk-file.ts";
import type { Result } from "../system/process.ts";
import { readLayer } from "./layer-state.ts";
import { removeCgroups, type Side, type Sides, startSides } from "./sides.ts";

const skip = process.getuid?.() !== 0 && "needs root";
/** An image that is unpacked, run and removed. */
const [nativeRun = { title: "", alone: false, bothClients: false, steps: [] }] =
  parseWalks(`== a container of copies
images import --snapshotter native {dir}/app.tar
snapshots tree
run --rm --snapshotter native docker.io/library/app:latest one cat /added/file /etc/passwd
run --snapshotter native docker.io/library/app:latest two sh -c 'echo more >> /added/file; rm /added/link'
$ sh -c 'ctr snapshots diff {chain1} two | tar tzf -'
containers rm two
images rm docker.io/library/app:latest
`);
const themes = ["content", "images", "snapshots", "records", "tasks"];

const namespaceOf = (side: Side, number: number): string => `side-${side.name}-${number}`;

const varying: readonly (readonly [RegExp, string])[] = [
  // containerd names a snapshot by its path in the database.
  [/\bside-(ours|real)-\d+\/\d+\//g, ""],
  [/\bside-(ours|real)-\d+/g, "NAMESPACE"],
  [/\/\S+\/snapshots\/\d+\//g, "/SNAPSHOT/"],
  [/\/SNAPSHOT\/fs(?= )|\/\S+\.native\/snapshots\/\d+(?= )/g, "/SNAPSHOT"],
  // A native view of another snapshot has no directory, which containerd looks for first.
  [
    /lstat \S+\.native\/snapshots\/\d+: no such file or directory: unknown/g,
    'failed to commit snapshot: snapshot "high-view" is not active: failed precondition',
  ],
  [/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| \+0000 UTC)/g, "TIME"],
  [/\b\d+(\.\d+)?( ?(ns|[µm]?s|seconds?|minutes?))\b|Less than a second/g, "TIME"],
  [/\b\d+ +(?=RUNNING|STOPPED|PAUSED|CREATED)/g, "PID "],
  // Some of containerd's services add the name of the code twice.
  [/: invalid argument: invalid argument/g, ": invalid argument"],
  // Progress is printed as often as there is time for it; what was given up meanwhile is logged by chance.
  [/^.*(elapsed: |\|[+-]*\||\|\p{Cc}\[|context canceled).*$/gmu, ""],
  // We allow several separators in a row.
  [/\[\._-\]\+\[A-Za-z0-9\]\+/g, "[._-](?:[A-Za-z0-9]+)"],
];

/** Columns are as wide as their widest value; ctr prints labels in the order of a hash table. */
const comparableLine = (line: string): string =>
  line
    .trim()
    .split(/[ \t]+/)
    .map((word) => (word.includes("=") ? word.split(",").toSorted().join() : word))
    .join(" ");

const comparableText = (side: Side, text: string): readonly string[] =>
  varying
    .reduce((words, [pattern, to]) => words.replaceAll(pattern, to), text.replaceAll(side.dir, "DIR"))
    .split("\n")
    .map(comparableLine)
    .filter((line) => line !== "");

const comparable = (side: Side, { code, stdout, stderr }: Result): unknown => ({
  code,
  stdout: comparableText(side, stdout),
  stderr: comparableText(side, stderr),
});

async function perform(side: Side, values: ReadonlyMap<string, string>, step: Step): Promise<unknown> {
  const words = step.words.map((word) =>
    word.replaceAll(/\{([\w-]+)\}/g, (whole, name: string) => values.get(name) ?? whole),
  );
  const command = words[0] === "$" ? words.slice(1) : ["ctr", ...words];
  const options = step.input === undefined ? {} : { input: step.input };
  for (;;) {
    const result = await side.perform(values.get("namespace") ?? "", command, options);
    if (step.until === undefined || result.stdout.includes(step.until)) return comparable(side, result);
    await delay(50);
  }
}

const both = <T>({ ours, real }: Sides, ask: (side: Side) => Promise<T>): Promise<[T, T]> =>
  Promise.all([ask(ours), ask(real)]);

const SETTLED_MS = 20_000;
const STEP_MS = 90_000;

/** The real one rests after a collection for fifty times as long as it took: only who deletes and waits has another at once. */
async function collectNow({ services }: Side, namespace: string): Promise<void> {
  const { id } = await services.leases.create({ namespace }, "collect-now", {});
  await services.leases.delete({ namespace }, id, true);
}

/** An exit's record may come after a client's answer; it is soon. */
async function compareStates(sides: Sides, number: number): Promise<void> {
  await both(sides, (side) => collectNow(side, namespaceOf(side, number)));
  const read = async (side: Side): Promise<readonly string[]> =>
    (await readLayer(side.services, namespaceOf(side, number))).map((line) =>
      line.replaceAll(side.dir, "DIR"),
    );
  const deadline = performance.now() + SETTLED_MS;
  for (;;) {
    const [ours, real] = await both(sides, read);
    if (isDeepStrictEqual(ours, real)) return;
    if (performance.now() > deadline) assert.deepEqual(ours, real);
    await delay(50);
  }
}

function testWalk(sides: () => Sides, walk: Walk, number: number): void {
  const valuesOf = (side: Side): ReadonlyMap<string, string> =>
    new Map([
      ...Object.entries(sides().digests),
      ["dir", side.dir],
      ["namespace", namespaceOf(side, number)],
    ]);
  test(walk.title, async (t) => {
    for (const step of walk.steps) {
      await t.test(step.line, { timeout: STEP_MS }, async () => {
        const [ours, real] = await both(sides(), (side) => perform(side, valuesOf(side), step));
        assert.deepEqual(ours, real);
      });
    }
    await compareStates(sides(), number);
    await both(sides(), (side) => removeCgroups(namespaceOf(side, number)));
  });
}

const walksOf = (names: readonly string[]): readonly Walk[] =>
  names.flatMap((name) => parseWalks(readFileSync(`${import.meta.dirname}/walks/${name}.walk`, "utf8")));

describe("ctr side by side", { skip }, () => {
  let started: Sides;
  before(async () => {
    started = await startSides("overlayfs");
  });
  after(() => started?.[Symbol.asyncDispose]());
  for (const [number, walk] of walksOf(themes).entries()) testWalk(() => started, walk, number);
});

describe("ctr side by side, with snapshots that are copies", { skip }, () => {
  let started: Sides;
  before(async () => {
    started = await startSides("native");
  });
  after(() => started?.[Symbol.asyncDispose]());
  for (const [number, walk] of walksOf(["snapshots"]).entries()) testWalk(() => started, walk, number);
  testWalk(() => started, nativeRun, 100);
});
