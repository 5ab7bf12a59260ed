// Every container, exec and system endpoint with its parameters, without a client between: status, type and body as a real dockerd has
// them, in the newest version that both speak and in the oldest.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claimed } from "#base/decode.ts";
import { type Client, type Engine, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { type RawAnswer, type RawRequest, sendRaw } from "./raw-request.ts";

const skip = (process.getuid?.() !== 0 || !hasBridge) && "needs root and a bridge";

let ours: Engine;
let theirs: Client & AsyncDisposable;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startPeer()]);
  await Promise.all([importBusybox(ours), importBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

/** What of a body is the same: its text; its JSON, or the names in that and what they hold; nothing but how many bytes it has. */
type Comparison = "text" | "value" | "shape" | "nothing";
type Step = readonly [line: string, compare: Comparison, more?: Omit<RawRequest, "method" | "path">];

const sleeper = (...command: string[]) => ({ json: { Image: "busybox", Cmd: command } });
const outputs = "stdout=1&stderr=1";
/** An archive without entries. */
const nothing = { bytes: new Uint8Array(1024) };

const walks: Readonly<Record<string, readonly Step[]>> = {
  system: [
    ["GET /_ping", "text"],
    ["HEAD /_ping", "text"],
    ["GET /version", "shape"],
    ["GET /info", "nothing"],
    ["GET /system/df", "nothing"],
    ["GET /system/df?type=container&type=volume", "nothing"],
    ["GET /events?since=1&until=2", "text"],
    ["GET /events?since=x&until=2", "value"],
    ["GET /events?since=1&until=2&filters=%7B", "value"],
    ["GET /events?since=1&until=2&filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D", "text"],
    ["GET /nosuch", "value"],
    ["POST /containers/json", "value"],
  ],
  "making and listing containers": [
    ["POST /containers/create?name=one", "shape", sleeper("sleep", "1000")],
    ["POST /containers/create?name=one", "value", sleeper("true")],
    ["POST /containers/create?name=%2Fbad%2Fname", "value", sleeper("true")],
    ["POST /containers/create?name=xx", "value", { json: { Image: "nosuch" } }],
    ["POST /containers/create?name=xx", "value", { json: null }],
    ["POST /containers/create?name=empty", "value"],
    ["POST /containers/create?name=xx&platform=windows", "nothing", sleeper("true")],
    ["GET /containers/json", "value"],
    ["GET /containers/json?all=1&size=1", "shape"],
    ["GET /containers/json?all=1&limit=1", "shape"],
    ["GET /containers/json?all=0&limit=-1", "value"],
    ["GET /containers/json?all=true&filters=%7B%22name%22%3A%5B%22one%22%5D%7D", "shape"],
    ["GET /containers/json?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D", "value"],
    ["GET /containers/one/json", "nothing"],
    ["GET /containers/one/json?size=1", "nothing"],
    ["GET /containers/nosuch/json", "value"],
    ["DELETE /containers/one?v=1&force=1", "text"],
    ["DELETE /containers/one", "value"],
    ["DELETE /containers/one?link=1", "value"],
  ],
  "a container's life": [
    ["POST /containers/create?name=life", "nothing", sleeper("sleep", "1000")],
    ["POST /containers/life/resize?h=10&w=10", "value"],
    ["POST /containers/life/start?detachKeys=ctrl-x", "text"],
    ["POST /containers/life/start", "text"],
    ["POST /containers/life/start", "value", { json: { Binds: [] } }],
    ["GET /containers/life/top", "nothing"],
    ["GET /containers/life/top?ps_args=-o%20pid,args", "nothing"],
    ["GET /containers/life/top?ps_args=-o%20args", "value"],
    ["GET /containers/life/stats?stream=0", "nothing"],
    ["GET /containers/nosuch/stats?stream=0&one-shot=1", "value"],
    ["GET /containers/life/stats?stream=false&one-shot=true", "nothing"],
    ["POST /containers/life/resize?h=x&w=10", "value"],
    ["POST /containers/life/pause", "text"],
    ["POST /containers/life/pause", "value"],
    ["POST /containers/life/unpause", "text"],
    ["POST /containers/life/unpause", "value"],
    ["POST /containers/life/rename?name=life", "value"],
    ["POST /containers/life/rename?name=", "value"],
    ["POST /containers/life/rename?name=renamed", "text"],
    ["POST /containers/renamed/update", "value", { json: { CpuShares: 512 } }],
    ["POST /containers/renamed/update", "value", { json: { Memory: 1 } }],
    ["POST /containers/renamed/restart?t=0", "text"],
    ["POST /containers/renamed/kill?signal=NOSUCH", "value"],
    ["POST /containers/renamed/kill?signal=CONT", "text"],
    ["POST /containers/renamed/stop?t=0&signal=KILL", "text"],
    ["POST /containers/renamed/stop?t=0", "text"],
    ["POST /containers/renamed/kill", "value"],
    ["POST /containers/renamed/wait?condition=not-running", "value"],
    ["POST /containers/renamed/wait?condition=nosuch", "value"],
    ["POST /containers/nosuch/wait", "value"],
    ["POST /containers/prune?filters=%7B%22until%22%3A%5B%221970-01-02T00%3A00%3A00%22%5D%7D", "value"],
    ["POST /containers/prune?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D", "value"],
    ["DELETE /containers/renamed", "text"],
  ],
  "streams of containers": [
    ["POST /containers/create?name=lines", "nothing", sleeper("sh", "-c", "echo 1; echo 2; echo 3")],
    ["POST /containers/lines/start", "text"],
    ["POST /containers/lines/wait", "value"],
    [`GET /containers/lines/logs?stdout=1`, "text"],
    [`GET /containers/lines/logs?stderr=1&follow=1`, "text"],
    [`GET /containers/lines/logs?stdout=1&tail=2`, "text"],
    [`GET /containers/lines/logs?stdout=1&tail=x`, "text"],
    [`GET /containers/lines/logs?stdout=1&since=4000000000`, "text"],
    [`GET /containers/lines/logs?stdout=1&since=x`, "value"],
    [`GET /containers/lines/logs?stdout=1&until=1`, "text"],
    [`GET /containers/lines/logs?stdout=1&timestamps=1&tail=1`, "text"],
    [`GET /containers/lines/logs?stdout=1&details=1&tail=1`, "text"],
    ["GET /containers/lines/logs", "value"],
    [`POST /containers/lines/attach?logs=1&stdout=1`, "text", { upgrade: "tcp" }],
    [`POST /containers/lines/attach?logs=1&${outputs}`, "nothing"],
    [`POST /containers/lines/attach?logs=1&stderr=1&detachKeys=nosuch-key`, "value", { upgrade: "tcp" }],
    [
      `GET /containers/lines/attach/ws?logs=1&stdout=1&detachKeys=ctrl-x`,
      "nothing",
      { upgrade: "websocket" },
    ],
    [`GET /containers/nosuch/attach/ws?logs=1`, "value", { upgrade: "websocket" }],
    ["POST /containers/nosuch/attach?stream=1&stdin=1", "value", { upgrade: "tcp" }],
    ["DELETE /containers/lines", "text"],
    [
      "POST /containers/create?name=echo",
      "nothing",
      { json: { Image: "busybox", Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true } },
    ],
    ["POST /containers/echo/start", "text"],
    [`POST /containers/echo/attach?stream=1&stdin=1&${outputs}`, "text", { upgrade: "tcp", input: "hello" }],
    ["POST /containers/echo/wait", "value"],
    ["DELETE /containers/echo", "text"],
  ],
  "files of containers": [
    ["POST /containers/create?name=files", "nothing", sleeper("sh", "-c", "echo x >/made; sleep 1000")],
    ["POST /containers/files/start", "text"],
    ["HEAD /containers/files/archive?path=/etc/passwd", "text"],
    ["HEAD /containers/files/archive?path=/nosuch", "text"],
    ["HEAD /containers/files/archive", "text"],
    ["GET /containers/files/archive?path=/etc/group", "nothing"],
    ["GET /containers/files/archive?path=/nosuch", "value"],
    ["PUT /containers/files/archive?path=/tmp", "text", nothing],
    ["PUT /containers/files/archive?path=/nosuch", "value", nothing],
    ["PUT /containers/files/archive?path=/etc/passwd&noOverwriteDirNonDir=1&copyUIDGID=1", "value", nothing],
    ["PUT /containers/files/archive?path=/tmp&noOverwriteDirNonDir=true&copyUIDGID=true", "text", nothing],
    ["GET /containers/files/export", "nothing"],
    ["POST /containers/files/kill?signal=KILL", "text"],
    ["POST /containers/files/wait", "value"],
    ["GET /containers/files/changes", "value"],
    [
      "POST /commit?container=files&repo=kept&tag=v1&comment=why&author=me&pause=0&changes=ENV%20A%3D1",
      "shape",
    ],
    ["POST /commit?container=nosuch", "value"],
    ["DELETE /images/kept:v1", "nothing"],
    ["DELETE /containers/files", "text"],
  ],
  execs: [
    ["POST /containers/create?name=busy", "nothing", sleeper("sleep", "1000")],
    ["POST /containers/busy/exec", "value", { json: { Cmd: ["true"] } }],
    ["POST /containers/busy/start", "text"],
    ["POST /containers/busy/exec", "value", { json: { Cmd: [] } }],
    ["POST /containers/busy/exec", "shape", { json: { Cmd: ["echo", "said"], AttachStdout: true } }],
    ["POST /exec/EXEC/start", "text", { json: { Detach: false, Tty: false }, upgrade: "tcp" }],
    ["GET /exec/EXEC/json", "shape"],
    ["POST /exec/EXEC/start?again", "text", { json: {} }],
    ["POST /containers/busy/exec", "shape", { json: { Cmd: ["sh", "-c", "exit 3"] } }],
    ["POST /exec/EXEC/start", "text", { json: { Detach: true } }],
    ["GET /exec/nosuch/json", "value"],
    ["POST /exec/nosuch/start", "value", { json: {} }],
    ["POST /exec/nosuch/resize?h=1&w=1", "value"],
    ["POST /containers/nosuch/exec", "value", { json: { Cmd: ["true"] } }],
    ["DELETE /containers/busy?force=true", "text"],
  ],
};

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
      const [our, their] = [ours, theirs].map(({ socket }) => new Walker(socket, version));
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
