// kill -9 of the daemon in the middle of making, removing, filling and cloning volumes: what was acknowledged is there, nothing is half, and
// nothing else is left. GANTRY_TEST_SEED repeats a run.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openChance } from "../faults/seed.ts";
import { type Api, openApi } from "../system/api.ts";
import { type Engine, startEngine } from "../system/engine.ts";
import { must } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const FILES = 400;
const KILLS = 4;

describe("kills within work on volumes", { skip, timeout: 600_000 }, () => {
  let engine: Engine;
  const chance = openChance();
  before(async () => {
    engine = await startEngine();
    const root = join(engine.dir, "image");
    mkdirSync(join(root, "data"), { recursive: true });
    for (let at = 0; at < FILES; at++) writeFileSync(join(root, "data", `f${at}`), "x".repeat(200));
    const archive = join(engine.dir, "image.tar");
    await must(["tar", "-C", root, "-cf", archive, "."]);
    await engine.docker("import", archive, "full");
  });
  after(() => engine[Symbol.asyncDispose]());

  const directory = () => join(engine.dir, "root/volumes");
  const mounted = (): readonly string[] =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(`${directory()}/`));
  /** Directories, of which each must be a volume's. */
  const directories = (): readonly string[] =>
    readdirSync(directory(), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  async function names(api: Api): Promise<readonly string[]> {
    const { Volumes } = Object(await api.ask("GET", "/volumes"));
    return Volumes.map(({ Name }: { readonly Name: string }) => Name).sort();
  }
  const filesOf = (name: string): number => readdirSync(join(directory(), name, "_data")).length;

  /** Kills the daemon at some moment of the work, which is given a function for what it has been told is done. */
  async function interrupted(length: number, work: (api: Api) => Promise<void>): Promise<void> {
    {
      using api = openApi(engine.socket);
      const working = work(api).catch(() => undefined);
      await Promise.race([delay(chance.pick(length)), working]);
      await engine.kill();
      await working;
    }
    await engine.restart();
  }

  async function removeAll(api: Api): Promise<void> {
    for (const { Id } of Object(await api.ask("GET", "/containers/json?all=1")))
      await api.ask("DELETE", `/containers/${Id}?force=1`);
    for (const name of await names(api)) await api.ask("DELETE", `/volumes/${name}`);
    await until(async () => directories().length === 0);
    assert.ok(directories().length === 0);
    assert.deepEqual(mounted(), []);
  }

  test("volumes that come and go are there or not, whole", async (t) => {
    t.diagnostic(`GANTRY_TEST_SEED=${chance.seed}`);
    for (let round = 0; round < KILLS; round++) {
      const there = new Set<string>();
      await interrupted(300, async (api) => {
        for (let at = 0; ; at++) {
          const name = `v${round}-${at}`;
          const options = at % 2 === 0 ? { mode: "0750", uid: "7" } : { type: "tmpfs", device: "tmpfs" };
          await api.ask("POST", "/volumes/create", { Name: name, DriverOpts: options });
          there.add(name);
          if (at % 3 !== 0) continue;
          there.delete(name); // from here on it may be either
          await api.ask("DELETE", `/volumes/${name}`);
        }
      });
      using api = openApi(engine.socket);
      const found = await names(api);
      for (const name of there) assert.ok(found.includes(name), name);
      assert.deepEqual(directories(), found);
      await removeAll(api);
    }
  });

  test("a volume that was being filled from an image is filled by the next container", async () => {
    for (let round = 0; round < KILLS; round++) {
      const create = { Image: "full", Cmd: ["x"], HostConfig: { Binds: ["filled:/data"] } };
      await interrupted(
        400,
        async (api) => void (await api.ask("POST", "/containers/create?name=first", create)),
      );
      using api = openApi(engine.socket);
      const isThere = (await names(api)).includes("filled");
      if (isThere) assert.ok([0, FILES].includes(filesOf("filled")), `${filesOf("filled")} files`);
      await api.ask("POST", "/containers/create?name=second", create);
      assert.equal(filesOf("filled"), FILES);
      await removeAll(api);
    }
  });

  test("a clone that was not finished leaves no container paused", async () => {
    await engine.docker("volume", "create", "origin");
    for (let at = 0; at < FILES; at++) writeFileSync(join(directory(), "origin/_data", `f${at}`), "x");
    for (let round = 0; round < KILLS; round++)
      await interrupted(
        60,
        async (api) => void (await api.ask("POST", `/gantry/volumes/origin/clone?to=c${round}`)),
      );
    using api = openApi(engine.socket);
    assert.deepEqual(directories(), await names(api));
    assert.equal(filesOf("origin"), FILES);
    await removeAll(api);
  });
});
