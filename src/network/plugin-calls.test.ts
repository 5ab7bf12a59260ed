import assert from "node:assert/strict";
import { test } from "node:test";
import { object } from "#base/decode.ts";
import { PluginCalls, PluginSaysNo } from "./plugin-calls.ts";

const { signal } = new AbortController();
const nothing = object({}, {});

/** A plugin that answers as it is told to; never for "hang". */
function openCalls(answer: unknown) {
  const plugin = {
    answer,
    call: async (_method: string, _body: unknown, until: AbortSignal): Promise<unknown> => {
      until.throwIfAborted();
      if (plugin.answer !== "hang") return plugin.answer;
      return new Promise((_, reject) => until.addEventListener("abort", () => reject(until.reason)));
    },
  };
  const stopping = new AbortController();
  const patience = { asked: 1, givenBack: 3_600_000, silent: 1 };
  const deps = { plugins: { get: async () => plugin }, patience, stop: stopping.signal };
  return { plugin, stopping, calls: new PluginCalls(deps, "odd", "NetworkDriver") };
}

test("one that has not answered is not waited for as long the next time, until it answers", async () => {
  const { calls, plugin } = openCalls("hang");
  await assert.rejects(calls.ask("Leave", {}, nothing, signal), { name: "TimeoutError" });
  const deadline = calls.deadline();
  await new Promise((resolve) => deadline.addEventListener("abort", resolve));
  plugin.answer = {};
  await calls.ask("Leave", {}, nothing, signal);
  assert.equal(await isLong(calls.deadline()), true);
});

/** An hour, not a millisecond. */
const isLong = async (deadline: AbortSignal): Promise<boolean> => {
  const short = AbortSignal.timeout(20);
  await new Promise((resolve) => short.addEventListener("abort", resolve));
  return !deadline.aborted;
};

test("nothing is asked once the daemon ends", async () => {
  const { calls, stopping } = openCalls("hang");
  const asking = calls.ask("Leave", {}, nothing, signal);
  stopping.abort(new Error("the end"));
  await assert.rejects(asking, /the end/);
});

test("what it says of itself is told from what is not known", async () => {
  const { calls, plugin } = openCalls({ Err: "full" });
  const decode = object({}, { Err: (value: unknown) => String(value) });
  await assert.rejects(calls.ask("Join", {}, decode, signal), (error) => error instanceof PluginSaysNo);
  plugin.answer = 7;
  await assert.rejects(calls.ask("Join", {}, decode, signal), (error) => !(error instanceof PluginSaysNo));
});
