import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedHold } from "./shared-hold.ts";

test("what is held goes with the last user: a pull that ends does not take it from work that others have joined", async () => {
  const gone: string[] = [];
  {
    await using work = new AsyncDisposableStack();
    {
      await using hold = new SharedHold({ [Symbol.asyncDispose]: async () => void gone.push("held") });
      work.use(hold.share());
    }
    assert.deepEqual(gone, []);
  }
  assert.deepEqual(gone, ["held"]);
});
