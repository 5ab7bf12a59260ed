// The same command lines with the same real clients against gantryd and a real dockerd 20.10: output, exit code and what the
// engines hold afterwards must be the same, but for what normalise.ts and state.ts name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Client } from "../system/engine.ts";
import { type Pair, startPair } from "../system/pair.ts";
import { comparableResult } from "./normalise.ts";
import { namesGiven, readState } from "./state.ts";
import { parseWalks, type Step, type Walk } from "./walk-file.ts";

const NEWEST = "docker";
const DEBIANS = "/usr/bin/docker"; // 20.10

/** How many walks run at once; most of their time is spent waiting. */
const AT_ONCE = 4;

const both = async <T>({ ours, theirs }: Pair, ask: (client: Client) => Promise<T>): Promise<[T, T]> =>
  Promise.all([ask(ours), ask(theirs)]);

async function perform(client: Client, step: Step, program: string): Promise<unknown> {
  // One API version for both: Debian's dockerd speaks 1.41.
  const env = { DOCKER_API_VERSION: "1.41" };
  for (;;) {
    const result = await client.tryDocker(step.words, {
      program,
      env,
      ...(step.input !== undefined && { input: step.input }),
    });
    if (step.until === undefined || result.stdout.includes(step.until))
      return comparableResult(result, ["diff", "images"].includes(step.words[0] ?? ""));
    await delay(50);
  }
}

/** What follows an exit (its record, the next start) is not done when a client's answer comes; it is soon. */
const SETTLED_MS = 20_000;

/** A client that hangs must not cost the other walks. */
const STEP_MS = 90_000;

async function compareStates(pair: Pair, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + SETTLED_MS;
  for (;;) {
    const [ours, theirs] = await both(pair, (client) => readState(client, names));
    if (isDeepStrictEqual(ours, theirs)) return;
    if (performance.now() > deadline) assert.deepEqual(ours, theirs);
    await delay(50);
  }
}

function testWalk(pair: () => Pair, walk: Walk, program: string): void {
  test(`${program}: ${walk.title}`, async (t) => {
    const given = new Set<string>();
    for (const step of walk.steps) {
      await t.test(step.line, { timeout: STEP_MS }, async () => {
        const [ours, theirs] = await both(pair(), (client) => perform(client, step, program));
        assert.deepEqual(ours, theirs);
        for (const name of namesGiven(step.words)) given.add(name);
        const mentioned = new Set(step.words.flatMap((word) => word.split(/[:,=/]/)));
        await compareStates(
          pair(),
          [...given].filter((name) => mentioned.has(name)),
        );
      });
    }
  });
}

/** Everything that the two engines have when all walks have been made. */
async function readLeftovers(client: Client): Promise<readonly string[]> {
  const list = async (...args: readonly string[]): Promise<string[]> =>
    (await client.docker(...args)).split("\n").sort();
  return [
    ...(await list("ps", "-a", "--format", "{{.Image}} {{.Command}} {{.State}}")),
    ...(await list("images", "--format", "{{.Repository}}:{{.Tag}}")),
    `${(await list("volume", "ls", "-q")).length} volumes`,
  ];
}

/** Registers the walks of these files: one test for each walk and client, one subtest for each command line. `config`: of both daemons. */
export function testWalks(themes: readonly string[], config: Readonly<Record<string, unknown>> = {}): void {
  const skip = process.getuid?.() !== 0 && "needs root";
  const walks = themes.flatMap((theme) =>
    parseWalks(readFileSync(`${import.meta.dirname}/walks/${theme}.walk`, "utf8")),
  );
  describe("side by side", { skip }, () => {
    let started: Pair;
    const pair = (): Pair => started;
    before(async () => {
      started = await startPair(config);
    });
    after(() => started?.[Symbol.asyncDispose]());
    describe("at once", { concurrency: AT_ONCE }, () => {
      for (const walk of walks.filter(({ alone }) => !alone)) testWalk(pair, walk, NEWEST);
    });
    describe("one after the other", () => {
      for (const walk of walks) {
        if (walk.alone) testWalk(pair, walk, NEWEST);
        if (walk.bothClients) testWalk(pair, walk, DEBIANS);
      }
    });
    test("nothing else is left", async () => {
      const [ours, theirs] = await both(started, readLeftovers);
      assert.deepEqual(ours, theirs);
    });
  });
}
