import assert from "node:assert/strict";
import { test } from "node:test";
import { type Executor, PlanError } from "./executor.ts";
import { TreeRemover } from "./tree-remover.ts";

/** An executor that fails for a path with "bad" in it and notes the paths of each plan. */
function startExecutor(): { executor: Pick<Executor, "run">; plans: string[][] } {
  const plans: string[][] = [];
  return {
    plans,
    executor: {
      run: async (plan) => {
        const paths = plan.map((op) => (op.op === "removeTree" ? op.path : ""));
        plans.push(paths);
        await Promise.resolve();
        const index = paths.findIndex((path) => path.includes("bad"));
        if (index >= 0) throw new PlanError({ index, why: "clean-up", call: "unlinkat", code: "EBUSY" });
        return new Map();
      },
    },
  };
}

test("trees that come while one is being removed go together", async () => {
  const { executor, plans } = startExecutor();
  const remover = new TreeRemover(executor);
  await Promise.all(["/a", "/b", "/c"].map((path) => remover.remove(path)));
  assert.deepEqual(plans, [["/a"], ["/b", "/c"]]);
});

test("a tree that cannot be removed does not keep the others", async () => {
  const { executor } = startExecutor();
  const remover = new TreeRemover(executor);
  const results = await Promise.allSettled(["/a", "/b", "/bad", "/c"].map((path) => remover.remove(path)));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
});
