// Docker's rules for taking names away and deleting images. The texts are those of dockerd 20.10, side by side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Filters } from "#engine/filters.ts";
import type { ImageUser } from "#engine/images/image-deps.ts";
import { importImage } from "#engine/images/import.ts";
import { listImages } from "#engine/images/list.ts";
import { repoTags } from "#engine/images/local-image.ts";
import { removeImage } from "#engine/images/remove.ts";
import { tagImage } from "#engine/images/tag.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { file, makeArchive } from "./unpacker.ts";

const never = new AbortController().signal;

async function makeImage({ images }: ImageDaemon, repo: string, content = repo): Promise<string> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield makeArchive([file("a", content)]);
  }
  const request = { source: body(), repo, tag: "", message: "", changes: [], platform: "" };
  return await importImage(images.deps, request, () => undefined, never);
}

const container = (imageId: string, running: boolean): ImageUser => ({
  id: "c".repeat(64),
  imageId,
  running,
});
const remove = async ({ images }: ImageDaemon, name: string, force = false): Promise<readonly string[]> =>
  (await removeImage(images.deps, name, { force, prune: true })).map(
    ({ Untagged, Deleted }) => Untagged ?? `deleted ${Deleted}`,
  );
const tags = async ({ images }: ImageDaemon): Promise<readonly (readonly string[])[]> =>
  (await images.deps.catalog.list()).map(repoTags);
const short = (id: string): string => id.slice(7, 19);

test("the last name takes the image and its layers along", async () => {
  await using daemon = await startDaemon();
  const id = await makeImage(daemon, "a");
  const layer = (await daemon.images.deps.catalog.get("a")).image.chainIds[0];
  await tagImage(daemon.images.deps, "a", "b", "2");
  assert.deepEqual(await remove(daemon, "a"), ["a:latest"]);
  assert.deepEqual(await remove(daemon, "b:2"), ["b:2", `deleted ${id}`, `deleted ${layer}`]);
  assert.deepEqual(await tags(daemon), []);
});

test("a layer that another image has too stays", async () => {
  await using daemon = await startDaemon();
  const id = await makeImage(daemon, "a", "same");
  await makeImage(daemon, "b", "same");
  assert.deepEqual(await remove(daemon, "a"), ["a:latest", `deleted ${id}`]);
});

test("a tag that moves leaves its image nameless, and a name brings it back", async () => {
  await using daemon = await startDaemon();
  const first = await makeImage(daemon, "a", "one");
  await makeImage(daemon, "a", "two");
  assert.deepEqual((await tags(daemon)).map(String).sort(), ["", "a:latest"]);
  await tagImage(daemon.images.deps, short(first), "back", "");
  assert.deepEqual((await tags(daemon)).flat().sort(), ["a:latest", "back:latest"]);
  assert.equal((await daemon.services.images.list({ namespace: "moby" }, [])).length, 2);
});

test("an image in use keeps its last name unless forced, and a running one its content", async () => {
  const users: ImageUser[] = [];
  await using daemon = await startDaemon({ users });
  const id = await makeImage(daemon, "a");
  users.push(container(id, true));
  await assert.rejects(remove(daemon, "a"), {
    kind: "conflict",
    message: `conflict: unable to remove repository reference "a:latest" (must force) - container cccccccccccc is using its referenced image ${short(id)}`,
  });
  await assert.rejects(remove(daemon, short(id), true), {
    message: `conflict: unable to delete ${short(id)} (cannot be forced) - image is being used by running container cccccccccccc`,
  });
  assert.deepEqual(await remove(daemon, "a", true), ["a:latest"]);
  assert.deepEqual(await tags(daemon), [[]]);
  users[0] = container(id, false);
  await assert.rejects(remove(daemon, short(id)), {
    message: `conflict: unable to delete ${short(id)} (must be forced) - image is being used by stopped container cccccccccccc`,
  });
  assert.deepEqual(await remove(daemon, short(id), true), [`deleted ${id}`]);
});

test("by id names of several repositories go only together, forced", async () => {
  await using daemon = await startDaemon();
  const id = await makeImage(daemon, "a");
  await tagImage(daemon.images.deps, "a", "b", "");
  await assert.rejects(remove(daemon, short(id)), {
    message: `conflict: unable to delete ${short(id)} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.deepEqual((await remove(daemon, short(id), true)).slice(0, 3), [
    "a:latest",
    "b:latest",
    `deleted ${id}`,
  ]);
});

test("prune takes nameless images, and with dangling=false all that nothing uses", async () => {
  const users: ImageUser[] = [];
  await using daemon = await startDaemon({ users });
  await makeImage(daemon, "a", "one");
  await makeImage(daemon, "a", "two");
  users.push(container(await makeImage(daemon, "used"), false));
  const prune = async (filters: Readonly<Record<string, readonly string[]>>): Promise<number> =>
    (await daemon.images.pruner.prune(new Filters(new Map(Object.entries(filters))), never)).deleted.length;
  assert.equal(await prune({}), 2);
  assert.equal(await prune({}), 0);
  assert.equal(await prune({ dangling: ["false"] }), 3);
  assert.deepEqual(await tags(daemon), [["used:latest"]]);
});

for (const [filters, expected] of [
  [{ reference: ["a*"] }, ["a:latest", "ab:latest"]],
  [{ reference: ["ab", "b:*"] }, ["ab:latest", "b:latest"]],
  [{ before: ["ab"] }, ["a:latest"]],
  [{ since: ["a"] }, ["ab:latest", "b:latest"]],
  [{ dangling: ["true"] }, []],
  [{ label: ["x"] }, []],
] as const) {
  test(`images are listed by ${JSON.stringify(filters)}`, async () => {
    await using daemon = await startDaemon();
    for (const name of ["a", "ab", "b"]) await makeImage(daemon, name);
    const listed = await listImages(daemon.images.deps, new Filters(new Map(Object.entries(filters))), false);
    assert.deepEqual(listed.flatMap((one) => one.repoTags).sort(), expected);
  });
}
