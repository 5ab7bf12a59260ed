// Bodies of the frames to and from a supervisor; native/PROTOCOL.md draws them.

import { encodePlan } from "#kernel/plan/encode.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { WireWriter } from "#kernel/plan/wire.ts";
import { type BodyReader, encodeFrameOf } from "#kernel/zygote/wire-frames.ts";
import type { JsonFileLog, ProcessIo } from "../shim.ts";
import { type RequestName, type RequestValues, requests } from "./requests.table.ts";

const nothing = new Uint8Array(0);

function writeValue(writer: WireWriter, kind: string, value: unknown): void {
  if (typeof value === "string") writer.str(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (kind === "u64") writer.u64(BigInt(Number(value)));
  else writer.u32(Number(value));
}

/** A whole frame. Number 0 is for what has no reply. */
export function encodeRequest<K extends RequestName>(
  name: K,
  number: number,
  values: RequestValues<K>,
): Buffer {
  const { letter, fields } = requests[name];
  const writer = new WireWriter();
  writer.u32(number);
  for (const [field, kind] of fields) writeValue(writer, kind, Reflect.get(values, field));
  return encodeFrameOf(letter, writer.finish());
}

/** The streams of a process of a command's client: the client's own. A terminal that it sends is joined to the client's. */
interface InheritedIo {
  readonly kind: "inherited";
  /** How many descriptors from 3 on it keeps. */
  readonly preserved: number;
}

type Created = RequestValues<"create">;
type Streams = Omit<Created, "id" | "plan" | "undo">;

/** All of them /dev/null. */
const none: Streams = {
  pipes: 0,
  inherits: false,
  stdinPath: "",
  stdoutPath: "",
  stderrPath: "",
  stdinOnce: false,
  held: false,
  preserved: 0,
  logPath: "",
  logTail1: "",
  logTail2: "",
  logMaxSize: 0,
  logMaxFiles: 1,
};

/** Which of the standard streams: 1, 2, 4. */
const bits = (...wanted: readonly boolean[]): number =>
  wanted.reduce((sum, is, index) => sum + (is ? 1 << index : 0), 0);

const logTail = (stream: string, { attrs }: JsonFileLog): string =>
  `","stream":"${stream}"${attrs === "" ? "" : `,"attrs":${attrs}`},"time":"`;

function streamsOf(id: string, io: ProcessIo | InheritedIo): Streams {
  if (io.kind === "null") return none;
  if (io.kind === "inherited") return { ...none, inherits: true, preserved: io.preserved };
  if (io.kind === "fifos") {
    const paths = [io.stdin, io.stdout, io.terminal ? "" : io.stderr] as const;
    const pipes = io.terminal ? 0 : bits(...paths.map((path) => path !== ""));
    return {
      ...none,
      pipes,
      stdinPath: paths[0],
      stdoutPath: paths[1],
      stderrPath: paths[2],
      stdinOnce: true,
    };
  }
  const { log } = io;
  return {
    ...none,
    pipes: io.terminal ? 0 : bits(io.stdin, true, true),
    stdinOnce: io.stdinOnce,
    held: id !== "" && log === undefined,
    ...(log !== undefined && {
      logPath: log.path,
      logTail1: logTail("stdout", log),
      logTail2: logTail("stderr", log),
      logMaxSize: log.maxSize,
      logMaxFiles: log.maxFiles,
    }),
  };
}

/** `id` "" is the init, whose failure `undo` cleans up after. `plan` may be encoded already. */
export function createValues(
  id: string,
  io: ProcessIo | InheritedIo,
  { plan, undo }: { readonly plan: Plan | Uint8Array; readonly undo?: Plan },
): Created {
  return {
    id,
    ...streamsOf(id, io),
    plan: plan instanceof Uint8Array ? plan : encodePlan(plan),
    undo: undo === undefined ? nothing : encodePlan(undo),
  };
}

export function shimBody(id: string, stateDir: string): Uint8Array {
  const writer = new WireWriter();
  writer.str(id);
  writer.str(stateDir);
  return writer.finish();
}

export const processStates = ["starting", "created", "running", "ended", "reported"] as const;

export interface ProcessStatus {
  readonly execId: string;
  readonly pid: number;
  readonly state: (typeof processStates)[number];
  readonly exitCode: number;
  /** Milliseconds since the epoch. */
  readonly exitedAt: number;
}

/** The number of a request that it is no answer to, and the process. */
export function readExit(body: BodyReader): ProcessStatus {
  body.u32();
  return readProcess(body);
}

export function readProcess(body: BodyReader): ProcessStatus {
  const execId = body.text();
  const pid = body.u32();
  const state = processStates[body.u32()] ?? "reported";
  const exitCode = body.u32();
  const seconds = body.u64();
  return { execId, pid, state, exitCode, exitedAt: seconds * 1000 + body.u32() / 1e6 };
}
