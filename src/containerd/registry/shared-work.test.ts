import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedWork } from "./shared-work.ts";

const never = new AbortController().signal;

test("work under one key runs once, and all hear its progress", async () => {
  const shared = new SharedWork<number, string>();
  const heard: number[] = [];
  let runs = 0;
  const work = async (report: (progress: number) => void): Promise<string> => {
    runs++;
    report(1);
    return "done";
  };
  const listener = { onProgress: (progress: number) => heard.push(progress), signal: never };
  const results = await Promise.all([
    shared.run("a", work, listener),
    shared.run("a", work, { ...listener, onProgress: (n) => heard.push(n) }),
  ]);
  assert.deepEqual([results, runs, heard], [["done", "done"], 1, [1, 1]]);
  await shared.run("a", work, listener);
  assert.equal(runs, 2, "finished work is not remembered");
});

test("work goes on while one user is left, and ends with the last", async () => {
  const shared = new SharedWork<never, void>();
  const aborts = [new AbortController(), new AbortController()];
  const ended = Promise.withResolvers<string>();
  const work = (_report: unknown, signal: AbortSignal): Promise<void> =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        ended.resolve("ended");
        reject(signal.reason);
      });
    });
  const users = aborts.map(({ signal }) => shared.run("a", work, { onProgress: () => undefined, signal }));
  aborts[0]?.abort(new Error("first left"));
  await assert.rejects(users[0] ?? Promise.resolve(), /first left/);
  assert.equal(await Promise.race([ended.promise, Promise.resolve("running")]), "running");
  aborts[1]?.abort(new Error("second left"));
  await assert.rejects(users[1] ?? Promise.resolve(), /second left/);
  assert.equal(await ended.promise, "ended");
});

test("a failure reaches every user, and the next one tries again", async () => {
  const shared = new SharedWork<never, string>();
  const listener = { onProgress: () => undefined, signal: never };
  const fail = async (): Promise<string> => {
    throw new Error("no");
  };
  const both = await Promise.allSettled([shared.run("a", fail, listener), shared.run("a", fail, listener)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(await shared.run("a", async () => "yes", listener), "yes");
});
