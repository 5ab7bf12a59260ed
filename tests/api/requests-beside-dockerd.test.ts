// Every container, exec and system endpoint with its parameters, without a client between: status, type and body as a real dockerd has
// them, in the newest version that both speak and in the oldest.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claimed } from "#base/decode.ts";
import { hasBridge } from "../system/engine.ts";
import { type Pair, startPair } from "../system/pair.ts";
import { type RawAnswer, sendRaw } from "./raw-request.ts";
import { type Comparison, type Step, walks } from "./requests.table.ts";

const skip = (process.getuid?.() !== 0 || !hasBridge) && "needs root and a bridge";

let pair: Pair;
before(async () => {
  if (!skip) pair = await startPair();
});
after(() => pair?.[Symbol.asyncDispose]());

/** What Docker has reworded since 20.10. */
const reworded: readonly (readonly [newer: RegExp, older: string])[] = [
  [/config cannot be empty in/g, "Config cannot be empty in"],
  [/invalid filter '(\w)/g, "Invalid filter '$1"],
  [/\bcontainer ID is/g, "Container ID is"],
  [/cannot kill container/g, "Cannot kill container"],
  [
    /its platform \((.*)\) does not match the specified platform \((.*)\)/g,
    "does not match the specified platform: wanted $2, actual: $1",
  ],
];

/** What the current release answers otherwise than 20.10: a status that tells whose fault it is, and words that name it. */
const since20: Readonly<Record<string, readonly [status: number, message: RegExp]>> = {
  "GET /events?since=x&until=2": [400, /invalid value for 'since'/],
  "GET /events?since=1&until=2&filters=%7B": [400, /^invalid filter$/],
  "POST /containers/create?name=empty": [400, /^invalid JSON: got EOF while reading request body$/],
  "POST /containers/life/resize?h=x&w=10": [400, /^invalid resize height "x": invalid syntax$/],
  "POST /containers/renamed/wait?condition=nosuch": [400, /^invalid condition: "nosuch"$/],
  "GET /containers/lines/logs?stdout=1&since=x": [400, /^invalid value for "since"/],
  "PUT /containers/files/archive?path=/etc/passwd&noOverwriteDirNonDir=1&copyUIDGID=1": [
    400,
    /^extraction point is not a directory$/,
  ],
};
/** Where we differ from every Docker: it writes the refusal into the stream of an answer that is 200. */
const differs: typeof since20 = {
  "POST /exec/EXEC/start?again": [409, /^exec command ID has already run$/],
};
/** Before 1.30 a condition means nothing. */
const ignored124 = /condition=/;

function normalise(text: string): string {
  const known = text
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .trim();
  return reworded.reduce((words, [newer, older]) => words.replaceAll(newer, older), known);
}

/** Of networks, since 20.10. */
const addedFields = ["DNSNames", "GwPriority"];

/** The names of all properties and the kinds of their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  const entries = Object.entries(value).filter(([key]) => !addedFields.includes(key));
  return Object.fromEntries(entries.map(([key, part]) => [key, shapeOf(part)]));
}

function comparable(answer: RawAnswer, compare: Comparison): unknown {
  const { status, headers, body } = answer;
  // 20.10 did not name the type of logs.
  const type = headers["content-type"] ?? "application/vnd.docker.raw-stream";
  const head = { status, type: status === 204 || status === 304 ? "" : type, upgrade: headers.upgrade };
  const text = normalise(body.toString("latin1"));
  if (status >= 400 || compare === "text") return { ...head, body: text };
  if (compare === "nothing") return head;
  const value: unknown = JSON.parse(text);
  return { ...head, body: compare === "value" ? value : shapeOf(value) };
}

/** A step may name the exec that an earlier one made. */
class Walker {
  readonly #socket: string;
  readonly #version: string;
  #exec = "";

  constructor(socket: string, version: string) {
    this.#socket = socket;
    this.#version = version;
  }

  async go([line, compare, more]: Step): Promise<unknown> {
    const [method = "", path = ""] = line.replace("EXEC", this.#exec).split(" ");
    const answer = await sendRaw(this.#socket, { method, path: `/v${this.#version}${path}`, ...more });
    if (path.endsWith("/exec") && answer.status === 201) this.#exec = JSON.parse(answer.body.toString()).Id;
    return comparable(answer, compare);
  }
}

for (const version of ["1.41", "1.24"])
  for (const [title, steps] of Object.entries(walks))
    test(`${version}: ${title}`, { skip }, async (t) => {
      const [our, their] = [pair.ours, pair.theirs].map(({ socket }) => new Walker(socket, version));
      for (const step of steps)
        await t.test(step[0], async () => {
          const [line] = step;
          const [known] = version === "1.24" && ignored124.test(line) ? [] : [since20[line] ?? differs[line]];
          const [answer, expected] = [await our?.go(step), await their?.go(step)];
          if (known === undefined) return assert.deepEqual(answer, expected);
          const { status, body } = claimed<{ status: number; body: string }>(answer);
          assert.deepEqual(status, known[0]);
          assert.match(JSON.parse(body).message, known[1]);
        });
    });
