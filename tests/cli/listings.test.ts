// What the real docker client printed for recorded answers of a real dockerd is what we print for them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { array, number, object, record, string, unknown } from "#base/decode.ts";
import { gantry } from "./command-line.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const recording = object(
  {
    now: number,
    answers: record(unknown),
    cases: array(object({ words: array(string), stdout: string }, {})),
  },
  {},
);
const file = new URL("fixtures/listings.json", import.meta.url);
const { now, answers, cases } = recording(JSON.parse(readFileSync(file, "utf8")), "");

const answer: Answer = ({ line }) => {
  const [path = "", query = ""] = line.replace("GET ", "").split("?");
  const json = (query.includes("size=") ? answers[`${path}?size`] : undefined) ?? answers[path];
  return json === undefined ? { status: 404, json: { message: `page not found: ${line}` } } : { json };
};

for (const { words, stdout } of cases)
  test(`gantry ${words.join(" ")} prints what docker prints`, async () => {
    await using daemon = await startFakeDaemon(answer);
    const outcome = await gantry(["-H", daemon.host, ...words], { now });
    assert.deepEqual(outcome, { code: 0, stdout, stderr: "" });
  });
