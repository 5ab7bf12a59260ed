import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter, TransientError, withRetries } from "./retry.ts";

const { signal } = new AbortController();
const policy = { attempts: 3, delayMs: 0 };
const onWait = (): void => undefined;

async function attemptsUntil(
  end: (count: number, progressed: () => void) => Error | undefined,
): Promise<number> {
  let count = 0;
  await withRetries({ policy, onWait, signal }, async (progressed) => {
    const error = end(++count, progressed);
    if (error !== undefined) throw error;
  }).catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
  });
  return count;
}

test("trouble that passes is tried again, up to the number of attempts", async () => {
  assert.equal(await attemptsUntil(() => new TransientError("x")), 3);
  assert.equal(await attemptsUntil((count) => (count < 2 ? new TransientError("x") : undefined)), 2);
});

test("a refusal is not tried again, nor a registry that asks for hours", async () => {
  assert.equal(await attemptsUntil(() => new Error("no")), 1);
  assert.equal(await attemptsUntil(() => new TransientError("x", { waitMs: 3_600_000 })), 1);
});

test("attempts that come forward are not counted", async () => {
  const end = (count: number, progressed: () => void) => {
    if (count < 10) progressed();
    return new TransientError("x");
  };
  assert.equal(await attemptsUntil(end), 9 + 3);
});

test("a registry's wait is seconds or a date", () => {
  assert.equal(parseRetryAfter("120", 0), 120_000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 10_000), 50_000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 1970 00:00:00 GMT", 10_000), 0);
  assert.equal(parseRetryAfter("soon", 0), undefined);
});
