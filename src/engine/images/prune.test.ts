import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "#base/clock.ts";
import { Lock } from "#base/lock.ts";
import { parseReference } from "#formats/reference.ts";
import { Filters } from "../filters.ts";
import { parseUntil } from "../pruning.ts";
import type { ImageDeps } from "./image-deps.ts";
import { ImagePruner } from "./prune.ts";

const HOUR = 3_600_000_000_000n;
const now = parseTime("2027-01-14T12:00:00Z") ?? 0n;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** What is missing in a fake is not called by the test. */
function fake<T>(parts: unknown): T;
function fake(parts: unknown): unknown {
  return parts;
}

function makeImage(letter: string, created: string) {
  const target = { mediaType: "", digest: digest(letter), size: 1 };
  const record = { name: `docker.io/library/${letter}:latest`, target, labels: {} };
  return {
    id: digest(letter),
    manifest: target,
    layers: [],
    chainIds: [digest(letter)],
    others: [],
    config: { created, rootfs: { type: "layers", diff_ids: [] } },
    records: [record],
    names: [{ record, reference: parseReference(record.name) }],
  };
}

function setup() {
  const images = [makeImage("a", "2027-01-01T00:00:00Z"), makeImage("b", "2027-01-14T00:00:00Z")];
  const users: { id: string; imageId: string; running: boolean }[] = [];
  const removed: string[] = [];
  const deps = fake<ImageDeps>({
    scope: { namespace: "moby" },
    clock: { now: () => now },
    users: () => users,
    namesLock: new Lock(),
    events: { publish: () => undefined },
    sizes: { total: async (chain: readonly string[]) => chain.length * 10 },
    images: {
      delete: async (_scope: unknown, name: string) => void removed.push(name),
      create: async () => {},
    },
    catalog: {
      list: async () => images,
      get: async (text: string) => {
        users.push({ id: "c1", imageId: digest("a"), running: true }); // somebody is faster than the prune
        const image = images.find(({ names }) =>
          names.some(({ reference }) => text.startsWith(reference.path.slice(8))),
        );
        return { image, name: image?.names[0] };
      },
    },
  });
  return { pruner: new ImagePruner(deps), removed };
}

const everything = (more: readonly (readonly [string, readonly string[]])[] = []): Filters =>
  new Filters(new Map([["dangling", ["false"]], ...more]));

test("an image that comes into use meanwhile stays, and the others go", async (t) => {
  const { pruner, removed } = setup();
  const { deleted, reclaimed } = await pruner.prune(everything(), t.signal);
  assert.deepEqual(removed, ["docker.io/library/b:latest"]);
  assert.deepEqual(deleted.at(-1), { Deleted: digest("b") });
  assert.equal(reclaimed, 10);
});

test("until may be an age", async (t) => {
  const { pruner, removed } = setup();
  await pruner.prune(everything([["until", ["24h"]]]), t.signal);
  assert.deepEqual(removed, []);
  assert.equal(parseUntil("24h", now), now - 24n * HOUR);
  assert.equal(parseUntil("1.5", now), 1_500_000_000n);
  await assert.rejects(pruner.prune(everything([["until", ["soon"]]]), t.signal), { kind: "invalid" });
  await assert.rejects(pruner.prune(everything([["until", ["1h", "2h"]]]), t.signal), {
    message: "more than one until filter specified",
  });
});
