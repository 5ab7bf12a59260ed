import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "#formats/digest.ts";
import { openTestContainerd, readAll, scope } from "../testing/test-containerd.ts";

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "gantry-content-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("a large download goes on after a restart, and is verified from its first byte", async () => {
  using folder = temporaryFolder();
  const half = Buffer.alloc(1_500_000, "a");
  const digest = digestOf(Buffer.concat([half, half]));
  const expected = { digest, size: 2 * half.length };
  {
    await using first = await openTestContainerd(folder.path);
    await using writer = await first.services.content.openWriter(scope, "layer", expected);
    await writer.write(half);
  }
  await using second = await openTestContainerd(folder.path);
  const { content } = second.services;
  {
    await using writer = await content.openWriter(scope, "layer", expected);
    assert.equal(writer.offset, half.length);
    await writer.write(half);
    assert.equal(await writer.commit(0, digest, {}), digest);
  }
  assert.equal((await readAll(content.read(scope, digest))).length, 2 * half.length);
});

test("bytes beyond the declared size are refused as they come", async () => {
  await using containerd = await openTestContainerd();
  const { content } = containerd.services;
  await using writer = await content.openWriter(scope, "layer", { digest: digestOf("ab"), size: 2 });
  await assert.rejects(writer.write(Buffer.from("abc")), /longer than its declared size of 2 bytes/);
});

test("what a killed daemon left without a record is swept", async () => {
  using folder = temporaryFolder();
  {
    await using first = await openTestContainerd(folder.path);
    await first.services.snapshots.prepare(scope, "kept", "", {});
  }
  const stray = join(folder.path, "root/content/ingest/stray");
  const gone = join(folder.path, "root/snapshots/gone-7");
  writeFileSync(stray, "x");
  writeFileSync(gone, "x");
  {
    await using second = await openTestContainerd(folder.path);
    assert.equal((await second.services.snapshots.stat(scope, "kept")).kind, "active");
  }
  assert.deepEqual([existsSync(stray), existsSync(gone)], [false, false]);
  assert.equal(existsSync(join(folder.path, "root/snapshots/1/fs")), true);
});
