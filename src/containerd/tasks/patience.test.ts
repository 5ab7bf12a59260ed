import assert from "node:assert/strict";
import { test } from "node:test";
import { answerWithin } from "./patience.ts";

test("an answer in time is given, a failure in time is thrown", async () => {
  assert.deepEqual(await answerWithin(60_000, Promise.resolve(7)), { answer: 7 });
  await assert.rejects(answerWithin(60_000, Promise.reject(new Error("no"))), /no/);
});

test("nothing is made of what comes too late", async () => {
  const { promise, reject } = Promise.withResolvers<number>();
  assert.equal(await answerWithin(0, promise), undefined);
  reject(new Error("late"));
});
