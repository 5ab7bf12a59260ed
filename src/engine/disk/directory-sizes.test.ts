import assert from "node:assert/strict";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MeasuredSizes } from "./directory-sizes.ts";
import { FileSizes } from "./file-sizes.ts";
import { SizeThread } from "./size-thread.ts";

/** A measurement that ends when the test says so. */
function startSizes() {
  const asked: { path: string; finish: (bytes: number) => void }[] = [];
  const measure = (path: string): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>();
    asked.push({ path, finish: resolve });
    return promise;
  };
  const sizes = new MeasuredSizes({ measure });
  return { asked, sizes };
}

test("those who ask while a directory is measured share the result", async () => {
  const { asked, sizes } = startSizes();
  const both = Promise.all([sizes.size("/a"), sizes.size("/a")]);
  assert.equal(asked.length, 1);
  asked[0]?.finish(7);
  assert.deepEqual(await both, [7, 7]);
  void sizes.size("/a");
  assert.equal(asked.length, 2);
});

test("who cannot wait gets the last size, and the next one the new", async () => {
  const { asked, sizes } = startSizes();
  const first = sizes.within(0).size("/a");
  asked[0]?.finish(1);
  assert.equal(await first, 1);
  assert.equal(await sizes.within(0).size("/a"), 1);
  asked[1]?.finish(2);
  await sizes.size("/a").catch(() => undefined);
  const next = sizes.within(0).size("/a");
  assert.equal(await next, 2);
});

test("a measurement that fails is not kept", async () => {
  let fails = true;
  const measure = async (): Promise<number> => {
    if (fails) throw new Error("broken");
    return 3;
  };
  const sizes = new MeasuredSizes({ measure });
  await assert.rejects(sizes.size("/a"), /broken/);
  fails = false;
  assert.equal(await sizes.size("/a"), 3);
});

test("files count with their apparent size, once; directories do not", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "gantry-sizes-"));
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at("a/b"), { recursive: true });
  writeFileSync(at("a/b/file"), "x".repeat(1000));
  linkSync(at("a/b/file"), at("a/again"));
  symlinkSync("/etc", at("a/link"));
  const walk = new FileSizes(folder.path);
  while (walk.advance(1));
  assert.equal(walk.total, 1000 + "/etc".length);
  using thread = new SizeThread(new URL("./size-worker.ts", import.meta.url));
  assert.deepEqual(await Promise.all([thread.measure(folder.path), thread.measure(at("none"))]), [1004, 0]);
});
