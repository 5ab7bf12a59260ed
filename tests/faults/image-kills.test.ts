// kill -9 of the daemon at random moments while images are loaded, imported, tagged, removed and pruned: the store is whole each time it
// is back, what was acknowledged is there, and in the end nothing is left. GANTRY_TEST_KILLS, GANTRY_TEST_SEED: as for random-kills.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { until } from "../system/until.ts";
import { type Chance, openChance } from "./seed.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const kills = Number(process.env.GANTRY_TEST_KILLS ?? 12);
const USERS = 4;
/** A daemon is killed within this many milliseconds of its start. */
const LONGEST = 800;

const folders = ["snapshots", "content/blobs/sha256", "content/ingest"];

/** A root file system as an archive: one file that is always the same and a large one with `text` in it. */
async function makeRoot(text: string): Promise<Uint8Array> {
  const dir = mkdtempSync(join(tmpdir(), "gantry-root-"));
  try {
    writeFileSync(join(dir, "same"), "same\n");
    writeFileSync(join(dir, "own"), text.repeat(100_000));
    await must(["tar", "-C", dir, "-cf", join(dir, "root.tar"), "--mtime=@0", "same", "own"]);
    return readFileSync(join(dir, "root.tar"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface User {
  readonly api: Api;
  readonly chance: Chance;
  readonly name: string;
  /** Archives of the root file systems, and of whole images, by the name in them. */
  readonly roots: readonly Uint8Array[];
  readonly saved: ReadonlyMap<string, Uint8Array>;
  /** Names that are there for certain; those that something was asked for and not answered are neither here nor certain to be gone. */
  readonly held: Set<string>;
  readonly uncertain: Set<string>;
}

/** Until it is answered, nobody knows. */
async function change(user: User, tag: string, isThere: boolean, act: () => Promise<void>): Promise<void> {
  user.held.delete(tag);
  user.uncertain.add(tag);
  await act();
  user.uncertain.delete(tag);
  if (isThere) user.held.add(tag);
}

async function stream(api: Api, path: string, body: Uint8Array): Promise<void> {
  const { status, body: said } = await api.send("POST", path, body);
  assert.equal(status, 200, said.toString());
  assert.doesNotMatch(said.toString(), /errorDetail/);
}

async function oneStep(user: User, number: number): Promise<void> {
  const { api, chance, name, held } = user;
  const own = [...held].filter((tag) => tag.startsWith(name));
  const [some] = own;
  switch (chance.pick(6)) {
    case 0: {
      const tag = `${name}:${number}`;
      const root = user.roots[chance.pick(user.roots.length)] ?? new Uint8Array();
      await change(user, tag, true, () =>
        stream(api, `/images/create?fromSrc=-&repo=${name}&tag=${number}`, root),
      );
      return;
    }
    case 1:
    case 2: {
      const [tag = "", archive = new Uint8Array()] = [...user.saved][chance.pick(user.saved.size)] ?? [];
      await change(user, tag, true, () => stream(api, "/images/load", archive));
      return;
    }
    case 3:
      if (some === undefined) return;
      await change(user, some, false, async () => void (await api.ask("DELETE", `/images/${some}?force=1`)));
      return;
    case 4: {
      const tag = `${name}:t${number}`;
      if (some === undefined) return;
      await change(user, tag, true, async () => {
        await api.ask("POST", `/images/${some}/tag?repo=${name}&tag=t${number}`);
      });
      return;
    }
    default: {
      // Another prune may run.
      const { status } = await api.send("POST", "/images/prune");
      assert.ok(status === 200 || status === 409);
    }
  }
}

async function work(user: User): Promise<void> {
  try {
    for (let number = 0; ; number++) await oneStep(user, number);
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && /^E(CONN|PIPE)/.test(String(error.code));
    if (!isGone) throw error;
  }
}

async function check(engine: Engine): Promise<void> {
  using api = openApi(engine.socket);
  const { Findings } = Object(await api.ask("POST", "/gantry/check"));
  assert.deepEqual(Findings, []);
}

async function removeAll(engine: Engine): Promise<void> {
  using api = openApi(engine.socket);
  const listed = await api.ask("GET", "/images/json");
  for (const { Id } of Array.isArray(listed) ? listed : []) await api.ask("DELETE", `/images/${Id}?force=1`);
}

/** Images of two layers; the lower one is the same in all. */
async function saveImages(engine: Engine, roots: readonly Uint8Array[]): Promise<Map<string, Uint8Array>> {
  using api = openApi(engine.socket);
  const saved = new Map<string, Uint8Array>();
  for (const [at, root] of roots.entries()) {
    const tag = `loaded:${at}`;
    await stream(api, `/images/create?fromSrc=-&repo=loaded&tag=${at}`, root);
    const { status, body } = await api.send("GET", `/images/${tag}/get`);
    assert.equal(status, 200);
    saved.set(tag, body);
  }
  return saved;
}

test(`${kills} kills of the daemon while images come and go leave the store whole`, { skip }, async (t) => {
  const chance = openChance();
  t.diagnostic(`GANTRY_TEST_SEED=${chance.seed}`);
  const roots = await Promise.all(["one", "two", "three"].map(makeRoot));
  await using engine = await startEngine();
  const saved = await saveImages(engine, roots);
  await removeAll(engine);
  const stored = (): number[] =>
    folders.map((name) => readdirSync(join(engine.dir, "root/containerd", name)).length);
  for (let round = 0; round < kills; round++) {
    using api = openApi(engine.socket);
    const held = new Set<string>();
    const users = Array.from({ length: USERS }, (_, at): User => {
      const name = `k${round}-${at}`;
      return { api, chance, name, roots, saved, held, uncertain: new Set() };
    });
    const working = Promise.all(users.map(work));
    await Promise.race([delay(chance.pick(LONGEST)), working]);
    await engine.kill();
    await working;
    await engine.restart();
    await check(engine);
    using again = openApi(engine.socket);
    // "loaded" is everybody's: what one was sure of, another may have begun to change.
    for (const tag of held)
      if (tag.startsWith(`k${round}`))
        assert.equal((await again.send("GET", `/images/${tag}/json`)).status, 200, `round ${round}: ${tag}`);
  }
  await removeAll(engine);
  await until(async () => stored().every((count) => count === 0));
  assert.deepEqual(stored(), [0, 0, 0]);
  await check(engine);
});
