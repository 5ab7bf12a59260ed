import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "#base/database.ts";
import { ContentFiles } from "../content/content-files.ts";
import { schema } from "../schema.ts";
import { Rebuilds } from "./rebuilds.ts";

test("a file that was restored is left alone once the layer is closed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const root = mkdtempSync(join(tmpdir(), "rebuilds-"));
  t.after(() => rmSync(root, { recursive: true }));
  const database = openDatabase(join(root, "meta.db"), schema);
  const closing = new AbortController();
  const contentFiles = new ContentFiles(join(root, "content"));
  const rebuilds = new Rebuilds({
    ...{ database, contentFiles, scratch: root, root: join(root, "records"), signal: closing.signal },
    treesOf: () => [],
    threads: {
      recordBlob: () => Promise.reject(new Error("not asked for")),
      rebuildBlob: () => assert.fail("not asked for"),
    },
  });
  const digest = `sha256:${"a".repeat(64)}`;
  writeFileSync(contentFiles.blob(digest), "blob");
  database.exec(
    `INSERT INTO snapshots (id, namespace, key, kind, labels, created, updated, leased) VALUES (1, 'n', 'k', 'committed', '{}', 0, 0, 0);
     INSERT INTO rebuilds (digest, snapshot, record_size) VALUES ('${digest}', 1, 0)`,
  );
  (await rebuilds.restore(digest))[Symbol.dispose]();
  closing.abort();
  database.close();
  t.mock.timers.tick(60 * 60_000);
});
