import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cloneVolume, exportVolume, type VolumeCopyDeps } from "./copies.ts";
import { openVolumes } from "./open-volumes.ts";

const directories: string[] = [];
after(() => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});
const { signal } = new AbortController();

/** The engine's volumes with "data"; `copying` is called while files are copied. */
async function open(copying: () => Promise<void> = async () => undefined) {
  const dataRoot = mkdtempSync(join(tmpdir(), "copies-"));
  directories.push(dataRoot);
  const volumes = await openVolumes(
    {
      executor: { run: async () => new Map() },
      events: { publish: () => undefined },
      clock: { now: () => 0n },
      usersOf: () => [],
      plugins: { get: () => Promise.reject(new Error("not asked for")), speaking: async () => [] },
    },
    dataRoot,
  );
  await volumes.create({ name: "data", driver: "", labels: null, options: null }, signal);
  const stat = { name: "data", size: 0, mode: 0, mtime: "", linkTarget: "" };
  const chunks = (async function* () {
    yield Buffer.from("archive");
  })();
  const deps: VolumeCopyDeps = {
    volumes,
    trees: { packPath: async () => ({ stat, chunks }), unpack: copying, copy: copying },
    pauseWriters: async () => ({ [Symbol.asyncDispose]: async () => undefined }),
    report: (error) => assert.fail(String(error)),
  };
  return { volumes, deps };
}

test("a volume is not removed while it is exported", async () => {
  const { volumes, deps } = await open();
  const archive = await exportVolume(deps, { name: "data", pause: false }, signal);
  await assert.rejects(volumes.remove("data"), { kind: "conflict", message: /volume is in use - \[export-/ });
  for await (const _chunk of archive);
  await volumes.remove("data");
});

test("a volume is not removed while it is cloned, nor is the clone", async () => {
  const refused: string[] = [];
  const { volumes, deps } = await open(async () => {
    for (const name of ["data", "copy"])
      await volumes.remove(name).catch(({ message }: Error) => refused.push(message));
  });
  await cloneVolume(deps, { from: "data", to: "copy", pause: false }, signal);
  assert.deepEqual(
    refused.map((message) => message.replace(/clone-.*/, "clone")),
    ["remove data: volume is in use - [clone", "remove copy: volume is in use - [clone"],
  );
  await volumes.remove("data");
  await volumes.remove("copy");
});

test("what cannot be given back when the client has hung up is reported, and the rest is given back", async () => {
  const { volumes, deps } = await open();
  const hangUp = new AbortController();
  const failure = new Error("cannot be unpaused");
  const reported = Promise.withResolvers<unknown>();
  const stubborn = {
    ...deps,
    pauseWriters: async () => ({ [Symbol.asyncDispose]: () => Promise.reject(failure) }),
    report: reported.resolve,
  };
  await exportVolume(stubborn, { name: "data", pause: true }, hangUp.signal);
  hangUp.abort();
  assert.equal(await reported.promise, failure);
  await volumes.remove("data");
});
