// Bodies of the frames to and from a shim; native/PROTOCOL.md draws them.

import { encodePlan } from "#kernel/plan/encode.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { WireWriter } from "#kernel/plan/wire.ts";
import type { BodyReader } from "#kernel/zygote/wire-frames.ts";
import type { AttachOptions, ProcessIo } from "../shim.ts";

const ioKinds: readonly ProcessIo["kind"][] = ["null", "fifos", "attach"];

interface IoFields {
  readonly flags: number;
  readonly paths: readonly [string, string, string];
  readonly log?: {
    readonly path: string;
    readonly maxSize: number;
    readonly maxFiles: number;
    readonly attrs: string;
  };
}

const TERMINAL = 1;
const STDIN = 2;
const STDIN_ONCE = 4;
const LOG = 8;

function ioFields(io: ProcessIo): IoFields {
  if (io.kind === "null") return { flags: 0, paths: ["", "", ""] };
  const terminal = io.terminal ? TERMINAL : 0;
  if (io.kind === "fifos") return { flags: terminal, paths: [io.stdin, io.stdout, io.stderr] };
  const stdin = (io.stdin ? STDIN : 0) | (io.stdinOnce ? STDIN_ONCE : 0);
  if (io.log === undefined) return { flags: terminal | stdin, paths: ["", "", ""] };
  return { flags: terminal | stdin | LOG, paths: ["", "", ""], log: io.log };
}

function writeIo(writer: WireWriter, io: ProcessIo): void {
  const { flags, paths, log } = ioFields(io);
  writer.u32(ioKinds.indexOf(io.kind));
  writer.u32(flags);
  for (const path of paths) writer.str(path);
  writer.str(log?.path ?? "");
  writer.u64(BigInt(log?.maxSize ?? 0));
  writer.u32(log?.maxFiles ?? 1);
  writer.bytes(Buffer.from(log?.attrs ?? ""));
}

const startBody = (request: number): WireWriter => {
  const writer = new WireWriter();
  writer.u32(request);
  return writer;
};

const raw = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

export function createBody(
  request: number,
  io: ProcessIo,
  plans: { readonly plan: Plan; readonly undo: Plan },
): Uint8Array {
  const writer = startBody(request);
  writeIo(writer, io);
  return raw(writer.finish(), encodePlan(plans.plan), encodePlan(plans.undo));
}

export function execBody(request: number, execId: string, io: ProcessIo, plan: Plan): Uint8Array {
  const writer = startBody(request);
  writer.str(execId);
  writeIo(writer, io);
  return raw(writer.finish(), encodePlan(plan));
}

export const willBody = (request: number, first: Plan, last: Plan): Uint8Array =>
  raw(startBody(request).finish(), encodePlan(first), encodePlan(last));

export const plainBody = (request: number): Uint8Array => startBody(request).finish();

export function processBody(request: number, execId: string, ...numbers: readonly number[]): Uint8Array {
  const writer = startBody(request);
  writer.str(execId);
  for (const number of numbers) writer.u32(number);
  return writer.finish();
}

export const attachBody = (
  request: number,
  execId: string,
  { stdin, stdout, stderr, early }: AttachOptions,
): Uint8Array =>
  processBody(
    request,
    execId,
    (stdin ? 1 : 0) | (stdout ? 2 : 0) | (stderr ? 4 : 0) | (early === true ? 8 : 0),
  );

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

export function readProcess(body: BodyReader): ProcessStatus {
  const execId = body.text();
  const pid = body.u32();
  const state = processStates[body.u32()] ?? "reported";
  const exitCode = body.u32();
  const seconds = body.u64();
  return { execId, pid, state, exitCode, exitedAt: seconds * 1000 + body.u32() / 1e6 };
}
