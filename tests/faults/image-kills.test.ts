// kill -9 of the daemon in the middle of pulls, loads, removals and prunes, while others do the same: each time it is back the store is
// whole, what was acknowledged is there, and what was not leaves nothing. GANTRY_TEST_KILLS, GANTRY_TEST_SEED: as for random-kills.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { differences, readMachineState } from "../system/machine-state.ts";
import { type Registry, startRegistry } from "../system/registry.ts";
import { until } from "../system/until.ts";
import { load, makeSource, pull, type User, untilGone, verbs, work } from "./image-work.ts";
import { type Chance, openChance } from "./seed.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const kills = Number(process.env.GANTRY_TEST_KILLS ?? 50);
/** The first is the one whom kills interrupt. */
const USERS = 3;

type Verb = keyof typeof verbs;
const names: readonly Verb[] = ["pull", "load", "rmi", "prune"];

/** A dozen starts of a daemon under load take a slow machine longer than other tests. */
const SLOW_MS = 900_000;

const folders = ["snapshots", "content/blobs/sha256", "content/ingest"];

const makeUsers = (api: Api, chance: Chance, sources: readonly User["sources"][]): readonly User[] =>
  sources.map((own, at) => ({
    api,
    chance,
    name: `user${at}`,
    sources: own,
    held: new Set(),
    pulling: new Set(),
  }));

/** What a store has; "[]" of findings and no counts is nothing, and nothing wrong. */
async function check(api: Api): Promise<{ readonly findings: unknown; readonly counts: unknown }> {
  const { Findings, Checked } = Object(await api.ask("POST", "/gantry/check"));
  return { findings: Findings, counts: Object.entries(Checked).filter(([, count]) => count !== 0) };
}

async function removeAll(api: Api): Promise<void> {
  const listed = await api.ask("GET", "/images/json");
  for (const { Id } of Array.isArray(listed) ? listed : []) await api.ask("DELETE", `/images/${Id}?force=1`);
}

/** Files and mounts of the store; collection and deletion follow soon after what causes them. */
async function leftovers(engine: Engine, api: Api): Promise<readonly unknown[]> {
  const found = async (): Promise<readonly unknown[]> => {
    const files = folders.flatMap((name) => readdirSync(join(engine.dir, "root/containerd", name)));
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    const { findings, counts } = await check(api);
    return [files, mounts.filter((line) => line.includes(`${engine.dir}/root/containerd`)), findings, counts];
  };
  const isNothing = (parts: readonly unknown[]) => parts.every((part) => JSON.stringify(part) === "[]");
  await until(async () => isNothing(await found()));
  return found();
}

/** Sources of each user, which are in the registry too; the store is empty after it. */
async function makeSources(engine: Engine, registry: string): Promise<readonly User["sources"][]> {
  using api = openApi(engine.socket);
  const all = Array.from({ length: USERS }, (_, user) =>
    ["1", "2"].map((tag) => makeSource(`${registry}/user${user}:${tag}`)),
  );
  for (const source of all.flat()) {
    await load({ api }, source);
    await engine.docker("push", "--quiet", source.name);
  }
  await removeAll(api);
  return all;
}

/** The longest that each has taken, in milliseconds: a kill falls within that, or soon after it. */
type Durations = Record<Verb, number>;

async function timed(durations: Durations, verb: Verb, user: User): Promise<void> {
  const begin = performance.now();
  await verbs[verb].act(user);
  durations[verb] = Math.max(durations[verb], performance.now() - begin);
}

/** Each once without a kill. */
async function rehearse(engine: Engine, [sources = []]: readonly User["sources"][]): Promise<Durations> {
  using api = openApi(engine.socket);
  const durations = { pull: 0, load: 0, rmi: 0, prune: 0 };
  const [user] = makeUsers(api, openChance(1), [sources]);
  assert.ok(user !== undefined);
  for (const verb of names) {
    await removeAll(api);
    await verbs[verb].prepare(user);
    await timed(durations, verb, user);
  }
  await removeAll(api);
  assert.deepEqual(await leftovers(engine, api), [[], [], [], []]);
  return durations;
}

/** True if the kill fell into the verb. */
async function liveAndDie(
  engine: Engine,
  users: readonly User[],
  verb: Verb,
  durations: Durations,
): Promise<boolean> {
  const [victim, ...others] = users;
  assert.ok(victim !== undefined);
  await verbs[verb].prepare(victim);
  const working = others.map((user) => untilGone(() => work(user)));
  let done = false;
  const interrupted = untilGone(() => timed(durations, verb, victim)).finally(() => {
    done = true;
  });
  const moment = (durations[verb] * victim.chance.pick(1500)) / 1000;
  // An answer that is wrong must not wait for its end.
  await Promise.race([delay(moment), Promise.all([interrupted, ...working])]);
  const isHit = !done;
  await engine.kill();
  await Promise.all([interrupted, ...working]);
  return isHit;
}

async function judge(engine: Engine, users: readonly User[]): Promise<void> {
  using api = openApi(engine.socket);
  assert.deepEqual((await check(api)).findings, []);
  for (const name of users.flatMap(({ held }) => [...held]))
    assert.equal((await api.send("GET", `/images/${encodeURIComponent(name)}/json`)).status, 200, name);
  // The next pull goes on with what one that was killed has fetched, and leaves nothing of it.
  for (const name of users.flatMap(({ pulling }) => [...pulling])) await pull({ api }, name);
  await removeAll(api);
  assert.deepEqual(await leftovers(engine, api), [[], [], [], []], "files, mounts, findings, counts");
}

let engine: Engine;
let registry: Registry;
let sources: readonly User["sources"][];
let durations: Durations;
const chance = openChance();
const machine = readMachineState();
const undo = new AsyncDisposableStack();

before(async () => {
  if (skip) return;
  engine = undo.use(await startEngine());
  registry = undo.use(await startRegistry(engine.netns));
  sources = await makeSources(engine, registry.address);
  durations = await rehearse(engine, sources);
});
after(async () => {
  await undo.disposeAsync();
  if (skip) return;
  const left = (): readonly string[] =>
    differences(machine, readMachineState()).filter((trace) => trace.includes(engine.dir));
  await until(() => left().length === 0);
  assert.deepEqual(left(), []);
});

for (const [at, verb] of names.entries()) {
  const rounds = Math.floor(kills / names.length) + (at < kills % names.length ? 1 : 0);
  test(`${rounds} kills of the daemon within ${verb} leave the store whole and nothing behind`, {
    skip,
    timeout: SLOW_MS,
  }, async (t) => {
    t.diagnostic(`GANTRY_TEST_SEED=${chance.seed}`);
    let hits = 0;
    for (let round = 0; round < rounds; round++) {
      using api = openApi(engine.socket);
      const users = makeUsers(api, chance, sources);
      if (await liveAndDie(engine, users, verb, durations)) hits++;
      await engine.restart();
      await judge(engine, users);
    }
    t.diagnostic(`${hits} of them before it was answered`);
  });
}
