// Frames between a command's client and its resident; native/PROTOCOL.md has the list.

import { encodePlan } from "#kernel/plan/encode.ts";
import { WireWriter } from "#kernel/plan/wire.ts";
import type { BodyReader } from "#kernel/zygote/wire-frames.ts";
import type { ChildRequest } from "../client.ts";

export const fromClient = {
  hello: "H",
  created: "c",
  executed: "r",
  childFailed: "f",
  ended: "x",
  input: "i",
  done: "D",
  failed: "F",
} as const;

export const toClient = {
  taken: "h",
  write: "w",
  seal: "S",
  plan: "P",
  child: "C",
  go: "g",
  wait: "W",
  read: "I",
  exit: "X",
} as const;

const HEADER = 5;

export function encodeOrder(order: keyof typeof toClient, ...parts: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat([Buffer.alloc(HEADER), ...parts]);
  frame.writeUInt32LE(frame.length - HEADER, 0);
  frame.write(toClient[order], 4, "latin1");
  return frame;
}

export function numberBody(number: number): Uint8Array {
  const writer = new WireWriter();
  writer.u32(number);
  return writer.finish();
}

export function writeBody(fd: number, text: string): Uint8Array {
  const writer = new WireWriter();
  writer.u32(fd);
  writer.bytes(Buffer.from(text));
  return writer.finish();
}

const FOREGROUND = 1;

export function childBody({ plan, preservedFds, foreground, consoleSocket }: ChildRequest): Uint8Array {
  const writer = new WireWriter();
  writer.u32(preservedFds);
  writer.u32(foreground ? FOREGROUND : 0);
  writer.str(consoleSocket ?? "");
  return Buffer.concat([writer.finish(), encodePlan(plan)]);
}

export interface Hello {
  readonly pid: number;
  /** Of the standard streams. */
  readonly terminals: readonly boolean[];
  readonly cwd: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function readHello(body: BodyReader): Hello {
  const pid = body.u32();
  const bits = body.u32();
  const terminals = [0, 1, 2].map((fd) => (bits & (1 << fd)) !== 0);
  const cwd = body.text();
  const words = readTexts(body);
  return { pid, terminals, cwd, words, env: readEnvironment(readTexts(body)) };
}

const readTexts = (body: BodyReader): readonly string[] =>
  Array.from({ length: body.u32() }, () => body.text());

const readEnvironment = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
