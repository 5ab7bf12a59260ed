import assert from "node:assert/strict";
import { test } from "node:test";
import { SandboxRemover } from "./sandbox-remover.ts";

test("a removal that cannot be asked for is told, and the remover goes on", async () => {
  const warnings: string[] = [];
  const remover = new SandboxRemover({
    executor: {
      run: () => Promise.reject(new Error("connect ECONNREFUSED")),
      hold: () => Promise.reject(new Error("not asked for")),
    },
    warn: (message) => warnings.push(message),
  });
  remover.removeLater({ path: "/run/netns/a" }, () => {});
  await remover.settled();
  assert.deepEqual(warnings, ["network sandboxes are left: Error: connect ECONNREFUSED"]);
});
