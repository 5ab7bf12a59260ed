// What every content store must do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#base/errors.ts";
import { digestOf } from "#formats/digest.ts";
import { readAll, scope, type TestContainerd } from "../testing/test-containerd.ts";

const text = "hello, blob";
const digest = digestOf(text);
const bytes = Buffer.from(text);

export function contentSuite(name: string, open: () => Promise<TestContainerd>): void {
  const on = (what: string, body: (store: TestContainerd["services"]["content"]) => Promise<void>): void =>
    void test(`${name}: ${what}`, async () => {
      await using containerd = await open();
      await body(containerd.services.content);
    });

  on("a committed blob can be read, whole and in part", async (content) => {
    {
      await using writer = await content.openWriter(scope, "ref", { digest, size: bytes.length });
      await writer.write(bytes.subarray(0, 5));
      await writer.write(bytes.subarray(5));
      assert.equal(await writer.commit(bytes.length, digest, { a: "b" }), digest);
    }
    assert.equal(await readAll(content.read(scope, digest)), text);
    assert.equal(await readAll(content.read(scope, digest, { offset: 7, size: 3 })), "blo");
    const info = await content.info(scope, digest);
    assert.deepEqual([info.size, info.labels], [bytes.length, { a: "b" }]);
    assert.deepEqual(await content.statuses(scope, []), []);
  });

  on("large content is verified too", async (content) => {
    const chunk = Buffer.alloc(700_000, "x");
    const whole = digestOf(Buffer.concat([chunk, chunk, chunk, chunk]));
    await using writer = await content.openWriter(scope, "large");
    for (let count = 0; count < 4; count += 1) await writer.write(chunk);
    assert.equal(await writer.commit(0, whole, {}), whole);
  });

  on("an ingest goes on where its writer stopped", async (content) => {
    {
      await using writer = await content.openWriter(scope, "ref");
      await writer.write(bytes.subarray(0, 5));
    }
    const [status] = await content.statuses(scope, []);
    assert.deepEqual([status?.ref, status?.offset], ["ref", 5]);
    await using writer = await content.openWriter(scope, "ref");
    assert.equal(writer.offset, 5);
    await writer.write(bytes.subarray(5));
    assert.equal(await writer.commit(0, digest, {}), digest);
  });

  on("a truncated ingest starts over", async (content) => {
    await using writer = await content.openWriter(scope, "ref");
    await writer.write(Buffer.from("wrong"));
    await writer.truncate();
    assert.equal(writer.offset, 0);
    await writer.write(bytes);
    assert.equal(await writer.commit(bytes.length, digest, {}), digest);
  });

  on("a wrong digest is refused and leaves nothing", async (content) => {
    {
      await using writer = await content.openWriter(scope, "ref");
      await writer.write(Buffer.from("something else"));
      await assert.rejects(
        writer.commit(0, digest, {}),
        /unexpected commit digest sha256:\w+, expected sha256/,
      );
    }
    assert.deepEqual(await content.statuses(scope, []), []);
    await assert.rejects(content.info(scope, digest), (error) => isKind(error, "notFound"));
  });

  on("content cut short is refused and kept for resuming", async (content) => {
    {
      await using writer = await content.openWriter(scope, "ref");
      await writer.write(bytes.subarray(0, 5));
      await assert.rejects(writer.commit(bytes.length, digest, {}), /unexpected commit size 5, expected 11/);
    }
    assert.equal((await content.statuses(scope, []))[0]?.offset, 5);
  });

  on("one writer at a time", async (content) => {
    await using _first = await content.openWriter(scope, "ref");
    await assert.rejects(content.openWriter(scope, "ref"), (error) => isKind(error, "unavailable"));
  });

  on("known content is not written again, nor for another namespace", async (content) => {
    await using writer = await content.openWriter(scope, "ref");
    await writer.write(bytes);
    await writer.commit(0, digest, {});
    const again = content.openWriter(scope, "other", { digest, size: bytes.length });
    await assert.rejects(again, (error) => isKind(error, "conflict"));
    const elsewhere = { namespace: "elsewhere" };
    await assert.rejects(content.info(elsewhere, digest), (error) => isKind(error, "notFound"));
    const shared = content.openWriter(elsewhere, "ref", { digest, size: bytes.length });
    await assert.rejects(shared, (error) => isKind(error, "conflict"));
    assert.equal(await readAll(content.read(elsewhere, digest)), text);
    await content.delete(scope, digest);
    assert.equal(await readAll(content.read(elsewhere, digest)), text);
  });

  on("labels are replaced; listing takes filters", async (content) => {
    await using writer = await content.openWriter(scope, "ref");
    await writer.write(bytes);
    await writer.commit(0, digest, { old: "1" });
    assert.deepEqual((await content.update(scope, digest, { kind: "layer" }, [])).labels, { kind: "layer" });
    const found = async (filter: string) => (await Array.fromAsync(content.list(scope, [filter]))).length;
    assert.equal(await found("labels.kind==layer"), 1);
    assert.equal(await found("labels.old"), 0);
    // At once, each its own: nothing is lost.
    const own = ["a", "b", "c"].map((key) =>
      content.update(scope, digest, { [key]: key }, [`labels.${key}`]),
    );
    await Promise.all([...own, content.update(scope, digest, { kind: "" }, ["labels.kind"])]);
    assert.deepEqual((await content.info(scope, digest)).labels, { a: "a", b: "b", c: "c" });
  });

  on("unknown blobs and refs are not found", async (content) => {
    const absent = (error: unknown): boolean => isKind(error, "notFound");
    await assert.rejects(content.info(scope, digest), absent);
    await assert.rejects(content.delete(scope, digest), absent);
    await assert.rejects(readAll(content.read(scope, digest)), absent);
    await assert.rejects(content.abort(scope, "ref"), absent);
  });

  on("an aborted ingest is gone", async (content) => {
    {
      await using writer = await content.openWriter(scope, "ref");
      await writer.write(bytes);
    }
    await content.abort(scope, "ref");
    await using writer = await content.openWriter(scope, "ref");
    assert.equal(writer.offset, 0);
  });
}
