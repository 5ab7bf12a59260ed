// kill -9 of the daemon at random moments under load: containers, networks, volumes, published ports. GANTRY_TEST_KILLS: how often (12); GANTRY_TEST_SEED: the same moments again.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Api, openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { differences, readMachineState } from "../system/machine-state.ts";
import { must } from "../system/process.ts";
import { until } from "../system/until.ts";
import { checkEntry, type Entry } from "./ledger.ts";
import { leftovers } from "./leftovers.ts";
import { work } from "./load.ts";
import { checkHousehold, endHousehold, type Household, keepHouse } from "./network-work.ts";
import { type Chance, openChance } from "./seed.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const kills = Number(process.env.GANTRY_TEST_KILLS ?? 12);
const USERS = 4;
const HOUSEHOLDS = 2;

/** A daemon is killed within this many milliseconds of its start. */
const LONGEST = 1500;

const folders = [
  "root/containerd/snapshots",
  "root/containerd/content/blobs/sha256",
  "root/containerd/content/ingest",
];

async function makeArchive(): Promise<Uint8Array> {
  const dir = mkdtempSync(join(tmpdir(), "gantry-load-"));
  try {
    writeFileSync(join(dir, "copied"), "copied\n");
    await must(["tar", "-C", dir, "-cf", join(dir, "archive.tar"), "copied"]);
    return readFileSync(join(dir, "archive.tar"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function liveAndDie(
  engine: Engine,
  chance: Chance,
  round: number,
  archive: Uint8Array,
): Promise<{ readonly ledger: readonly Entry[]; readonly households: readonly Household[] }> {
  using api = openApi(engine.socket);
  const ledger: Entry[] = [];
  const households: Household[] = [];
  const users = Array.from({ length: USERS }, (_, user) =>
    work({ api, chance, ledger, archive }, `k${round}-${user}`),
  );
  const others = Array.from({ length: HOUSEHOLDS }, (_, user) =>
    keepHouse({ api, chance, ledger: households }, `h${round}-${user}`),
  );
  const failed = Promise.all([...users, ...others]);
  await Promise.race([delay(chance.pick(LONGEST)), failed]);
  await engine.kill();
  await failed;
  return { ledger, households };
}

/** What networks and volumes are made of, when there are none but those that a daemon has by itself. */
async function readNetworks({ dir, netns }: Engine) {
  const links = await must(["ip", "-o", "link"], { netns });
  return {
    links: [...links.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = ""]) => name).sort(),
    rules: await must(["nft", "list", "ruleset"], { netns }),
    namespaces: readdirSync(join(dir, "exec/netns")),
    volumes: readdirSync(join(dir, "root/volumes"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  };
}

/** Those that were to end by themselves have ended as they were to; nothing of any is left after that. */
async function settle(api: Api, ledger: readonly Entry[], ids: Set<string>): Promise<void> {
  for (const entry of ledger) {
    const { status, body } = await api.send("GET", `/containers/${entry.name}/json`);
    if (status === 404) continue;
    const { State, Id } = JSON.parse(body.toString());
    ids.add(Id);
    if (State.Status !== "created" && entry.exitCode !== undefined) {
      const { StatusCode } = Object(await api.ask("POST", `/containers/${entry.name}/wait`));
      assert.equal(StatusCode, entry.exitCode, entry.name);
    }
    await api.ask("DELETE", `/containers/${entry.name}?force=1&v=1`);
  }
  const images = await api.ask("GET", "/images/json");
  for (const { RepoTags } of Array.isArray(images) ? images : [])
    for (const tag of RepoTags ?? [])
      if (tag.startsWith("k")) await api.ask("DELETE", `/images/${tag}?force=1`);
}

test(`${kills} kills of the daemon under load lose nothing that was acknowledged and leave nothing`, {
  skip,
}, async (t: TestContext) => {
  const before = readMachineState();
  const chance = openChance();
  t.diagnostic(`GANTRY_TEST_SEED=${chance.seed}`);
  const ids = new Set<string>();
  let dir = "";
  {
    await using engine = await startEngine();
    dir = engine.dir;
    await importBusybox(engine);
    const archive = await makeArchive();
    const stored = (): readonly number[] => folders.map((name) => readdirSync(join(engine.dir, name)).length);
    const atFirst = stored();
    const networks = await readNetworks(engine);
    for (let round = 0; round < kills; round++) {
      const { ledger, households } = await liveAndDie(engine, chance, round, archive);
      await engine.restart();
      using api = openApi(engine.socket);
      const containers = [...ledger, ...households.map(({ container }) => container)];
      for (const entry of containers) await checkEntry(api, entry);
      for (const household of households) await checkHousehold(api, household);
      await settle(api, containers, ids);
      for (const household of households) await endHousehold(api, household);
      assert.equal(await engine.docker("ps", "-aq"), "", `round ${round}: no others were made`);
      await until(async () => isDeepStrictEqual(await readNetworks(engine), networks));
      assert.deepEqual(await readNetworks(engine), networks);
      const findings = async (): Promise<readonly unknown[]> =>
        Object(await api.ask("POST", "/gantry/check")).Findings;
      await until(async () => (await findings()).length === 0); // what was half made is collected soon
      assert.deepEqual(await findings(), []);
    }
    await engine.docker("image", "prune", "-f");
    assert.deepEqual(await leftovers(engine), []);
    await until(() => stored().join() === atFirst.join());
    assert.deepEqual(stored(), atFirst, "snapshots, blobs and unfinished blobs are those of the image");
  }
  t.diagnostic(`${ids.size} containers were there after a kill`);
  // Others may use the machine meanwhile.
  const isOurs = (trace: string): boolean => trace.includes(dir) || [...ids].some((id) => trace.includes(id));
  const left = (): readonly string[] => differences(before, readMachineState()).filter(isOurs);
  await until(() => left().length === 0); // a shim may end after its daemon
  assert.deepEqual(left(), []);
});
