// D-Bus messages (D-Bus specification, "Message Format"):
//
//   byte order 'l' | type | flags | version 1 | u32 length of body | u32 serial | a(yv) fields | padding to 8 | body

import { claimed } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import { marshal } from "./marshal.ts";
import type { DbusValue, DbusVariant } from "./signature.ts";
import { unmarshal } from "./unmarshal.ts";

export type MessageType = "call" | "reply" | "error" | "signal";

export interface DbusMessage {
  readonly type: MessageType;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly signature?: string;
  readonly body: readonly DbusValue[];
}

const types: readonly (MessageType | undefined)[] = [undefined, "call", "reply", "error", "signal"];
/** Code, name and signature of a field of the header. */
const fields = [
  [1, "path", "o"],
  [2, "interface", "s"],
  [3, "member", "s"],
  [4, "errorName", "s"],
  [5, "replySerial", "u"],
  [6, "destination", "s"],
  [8, "signature", "g"],
] as const;

const VERSION = 1;
const LITTLE = "l".charCodeAt(0);
const BIG = "B".charCodeAt(0);
const FIXED_SIZE = 16;
/** The specification's greatest message. */
const MAX_SIZE = 2 ** 27;

export function encodeMessage(message: DbusMessage): Uint8Array {
  const body = marshal(message.signature ?? "", message.body);
  const given = fields.flatMap(([code, name, signature]) => {
    const value = message[name];
    return value === undefined || value === "" ? [] : [[code, { signature, value }]];
  });
  const kind = types.indexOf(message.type);
  const header = marshal("yyyyuua(yv)", [LITTLE, kind, 0, VERSION, body.length, message.serial, given]);
  const bytes = new Uint8Array(alignedTo8(header.length) + body.length);
  bytes.set(header);
  bytes.set(body, alignedTo8(header.length));
  return bytes;
}

/** The first message of the bytes and how many it takes; undefined while it is not complete. */
export function decodeMessage(
  bytes: Uint8Array,
): { readonly message: DbusMessage; readonly size: number } | undefined {
  if (bytes.length < FIXED_SIZE) return undefined;
  const littleEndian = bytes[0] === LITTLE;
  if ((!littleEndian && bytes[0] !== BIG) || bytes[3] !== VERSION) throw invalid("no D-Bus message");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodySize = view.getUint32(4, littleEndian);
  const bodyStart = alignedTo8(FIXED_SIZE + view.getUint32(12, littleEndian));
  if (bodyStart + bodySize > MAX_SIZE) throw invalid("D-Bus message is too long");
  if (bytes.length < bodyStart + bodySize) return undefined;
  const given = decodeFields(bytes, littleEndian);
  const type = types[bytes[1] ?? 0];
  if (type === undefined) throw invalid("D-Bus message of an unknown type");
  const encoded = { bytes: bytes.subarray(0, bodyStart + bodySize), offset: bodyStart, littleEndian };
  const body = unmarshal(String(given.signature ?? ""), encoded).values;
  const serial = view.getUint32(8, littleEndian);
  return { message: { ...given, type, serial, body }, size: bodyStart + bodySize };
}

type Fields = Omit<DbusMessage, "type" | "serial" | "body">;

function decodeFields(bytes: Uint8Array, littleEndian: boolean): Fields {
  const [list] = unmarshal("a(yv)", { bytes, offset: 12, littleEndian }).values;
  const found: Record<string, unknown> = {};
  for (const [code, variant] of claimed<readonly (readonly [number, DbusVariant])[]>(list)) {
    const known = fields.find(([one, , signature]) => one === code && signature === variant.signature);
    if (known !== undefined) found[known[1]] = variant.value;
  }
  return found;
}

const alignedTo8 = (size: number): number => Math.ceil(size / 8) * 8;
