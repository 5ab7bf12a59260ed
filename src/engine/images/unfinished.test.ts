import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { EngineError } from "#base/errors.ts";
import { HOLDER } from "./create-image.ts";
import type { ImageDeps } from "./image-deps.ts";
import { forgetUnfinished } from "./unfinished.ts";

/** What is missing in a fake is not called by the test. */
function fake<T>(parts: unknown): T;
function fake(parts: unknown): unknown {
  return parts;
}

test("an engine that starts drops the leases of its predecessor and what nobody can go on with, not downloads", async () => {
  const log: string[] = [];
  const lost = `diff-${randomUUID()}`;
  const written = `load-${randomUUID()}`;
  await forgetUnfinished(
    fake<ImageDeps>({
      scope: { namespace: "moby" },
      leases: {
        list: async () => [
          { id: "ours", labels: { [HOLDER]: "commit" } },
          { id: "another's", labels: {} },
        ],
        delete: async (_scope: unknown, id: string) => void log.push(`lease ${id}`),
      },
      content: {
        statuses: async () => [{ ref: lost }, { ref: "layer-sha256:abc" }, { ref: written }],
        abort: async (_scope: unknown, ref: string) => {
          if (ref === written) throw new EngineError("unavailable", "locked");
          log.push(ref);
        },
      },
    }),
  );
  assert.deepEqual(log, ["lease ours", lost]);
});
