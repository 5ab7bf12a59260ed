// DNS messages (RFC 1035, EDNS: RFC 6891), as far as a forwarder needs them: the question of a query is read, answers about addresses and
// names are written. Everything else passes through as the bytes that it is.
//
//   0        2       4        6        8        10       12
//   id       flags   questions answers authority additional  name type class …
//
// Names of answers are a pointer to the question's (0xc00c), so that an answer takes 16 bytes (28 for IPv6) however long its name is.

export const recordTypes = { A: 1, PTR: 12, MX: 15, AAAA: 28, OPT: 41, ANY: 255 } as const;
const CLASS_IN = 1;
export const responseCodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;
export type ResponseCode = (typeof responseCodes)[keyof typeof responseCodes];

const HEADER_SIZE = 12;
const LARGEST_LABEL = 63;
const LARGEST_NAME = 255;
const POINTER_TO_QUESTION = 0xc000 | HEADER_SIZE;
const MOST_ADDITIONAL = 2;
/** What every client takes by UDP. */
const SMALLEST_LIMIT = 512;
/** What a datagram holds. */
const LARGEST_LIMIT = 65_507;
const RECORD_HEADER = 12;
const OPTION_SIZE = 11;

const FLAG_RESPONSE = 0x8000;
const OPCODES = 0x7800;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_RECURSION_AVAILABLE = 0x0080;
const CODES = 0x000f;

export interface Query {
  /** In lower case, labels joined with dots, none at the end; the root is "". A dot or a byte beyond ASCII within a label is escaped. */
  readonly name: string;
  readonly type: number;
  /** Class IN. */
  readonly isInternet: boolean;
  /** Offset behind the question. */
  readonly end: number;
  /** The size of answers that the client can take by UDP, with EDNS; undefined without. */
  readonly largest: number | undefined;
}

/** What a message is that asks nothing that can be read: nobody's business, or worth this answer. */
export type Refusal = "ignore" | ResponseCode;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads one question. All sizes are checked against the bytes that there are; nothing follows a pointer. */
export function decodeQuery(bytes: Uint8Array): Query | Refusal {
  if (bytes.length < HEADER_SIZE) return "ignore";
  const header = view(bytes);
  const flags = header.getUint16(2);
  if ((flags & FLAG_RESPONSE) !== 0) return "ignore";
  if ((flags & OPCODES) !== 0) return responseCodes.notImplemented;
  const [questions, answers, authority, additional] = [4, 6, 8, 10].map((at) => header.getUint16(at));
  if (questions !== 1 || answers !== 0 || authority !== 0 || (additional ?? 0) > MOST_ADDITIONAL)
    return responseCodes.formatError;
  const name = decodeName(bytes, HEADER_SIZE);
  if (name === undefined || name.end + 4 > bytes.length) return responseCodes.formatError;
  const end = name.end + 4;
  return {
    name: name.text,
    type: header.getUint16(name.end),
    isInternet: header.getUint16(name.end + 2) === CLASS_IN,
    end,
    largest: additional === 0 ? undefined : readOption(bytes, end),
  };
}

/** undefined for a name that is cut off, too long or compressed. */
function decodeName(
  bytes: Uint8Array,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  let text = "";
  for (let at = start; at - start < LARGEST_NAME; ) {
    const length = bytes[at];
    if (length === undefined || length > LARGEST_LABEL) return undefined;
    if (length === 0) return { text, end: at + 1 };
    if (at + 1 + length > bytes.length) return undefined;
    if (text !== "") text += ".";
    for (let byte = at + 1; byte <= at + length; byte++) text += decodeByte(bytes[byte] ?? 0);
    at += 1 + length;
  }
  return undefined;
}

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const DOT = 0x2e;
const BACKSLASH = 0x5c;

function decodeByte(byte: number): string {
  if (byte >= UPPER_A && byte <= UPPER_Z) return String.fromCharCode(byte + 0x20);
  if (byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH) return String.fromCharCode(byte);
  return `\\${String(byte).padStart(3, "0")}`;
}

/** The size that the OPT record offers, if it is the first one behind the question. */
function readOption(bytes: Uint8Array, at: number): number | undefined {
  if (at + OPTION_SIZE > bytes.length || bytes[at] !== 0) return undefined;
  const record = view(bytes);
  return record.getUint16(at + 1) === recordTypes.OPT ? record.getUint16(at + 3) : undefined;
}

export interface AnswerRecord {
  readonly type: number;
  readonly data: Uint8Array;
}

/** By UDP; `largest` as the client has told it. */
export const udpLimit = (largest: number | undefined): number =>
  Math.min(LARGEST_LIMIT, Math.max(SMALLEST_LIMIT, largest ?? 0));

/** The answer to a query whose bytes are given: as many of the records as fit, and the truth about that. `lifetime`: seconds. */
export function encodeAnswer(
  bytes: Uint8Array,
  query: Query,
  records: readonly AnswerRecord[],
  { limit, lifetime }: { readonly limit: number; readonly lifetime: number },
): Uint8Array {
  const option = query.largest === undefined ? 0 : OPTION_SIZE;
  let size = query.end + option;
  let count = 0;
  for (const { data } of records) {
    if (size + RECORD_HEADER + data.length > limit) break;
    size += RECORD_HEADER + data.length;
    count++;
  }
  const answer = Buffer.alloc(size);
  answer.set(bytes.subarray(0, query.end));
  const truncated = count < records.length ? FLAG_TRUNCATED : 0;
  answer.writeUInt16BE(answerFlags(bytes, responseCodes.noError) | truncated, 2);
  answer.writeUInt16BE(count, 6);
  answer.writeUInt16BE(option === 0 ? 0 : 1, 10);
  let at = query.end;
  for (const { type, data } of records.slice(0, count)) {
    answer.writeUInt16BE(POINTER_TO_QUESTION, at);
    answer.writeUInt16BE(type, at + 2);
    answer.writeUInt16BE(CLASS_IN, at + 4);
    answer.writeUInt32BE(lifetime, at + 6);
    answer.writeUInt16BE(data.length, at + 10);
    answer.set(data, at + RECORD_HEADER);
    at += RECORD_HEADER + data.length;
  }
  if (option !== 0) {
    answer.writeUInt16BE(recordTypes.OPT, at + 1);
    answer.writeUInt16BE(udpLimit(query.largest), at + 3);
  }
  return answer;
}

/** An answer without records to whatever has a header; with the question if it could be read. */
export function encodeFailure(bytes: Uint8Array, code: ResponseCode, query?: Pick<Query, "end">): Uint8Array {
  const answer = Buffer.alloc(query?.end ?? HEADER_SIZE);
  answer.set(bytes.subarray(0, answer.length));
  answer.writeUInt16BE(answerFlags(bytes, code), 2);
  answer.fill(0, 6, HEADER_SIZE);
  if (query === undefined) answer.writeUInt16BE(0, 4);
  return answer;
}

const answerFlags = (bytes: Uint8Array, code: ResponseCode): number =>
  (view(bytes).getUint16(2) & (OPCODES | FLAG_RECURSION_DESIRED)) |
  FLAG_RESPONSE |
  FLAG_RECURSION_AVAILABLE |
  code;

/** The same message with another id. */
export function withId(bytes: Uint8Array, id: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(id, 0);
  return copy;
}

export const idOf = (bytes: Uint8Array): number => view(bytes).getUint16(0);

export interface Response {
  readonly code: number;
  readonly answers: number;
}

/** undefined unless it is a response with the id and the question of what was asked. */
export function decodeResponse(bytes: Uint8Array, asked: Uint8Array, end: number): Response | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const header = view(bytes);
  const flags = header.getUint16(2);
  if ((flags & FLAG_RESPONSE) === 0 || idOf(bytes) !== idOf(asked)) return undefined;
  const code = flags & CODES;
  // Servers that could not read the question need not repeat it.
  const repeats = header.getUint16(4) === 1;
  if (repeats ? !sameQuestion(bytes, asked, end) : code === responseCodes.noError) return undefined;
  return { code, answers: header.getUint16(6) };
}

const lower = (byte: number): number => (byte >= UPPER_A && byte <= UPPER_Z ? byte + 0x20 : byte);

function sameQuestion(bytes: Uint8Array, asked: Uint8Array, end: number): boolean {
  if (bytes.length < end) return false;
  for (let at = HEADER_SIZE; at < end; at++)
    if (lower(bytes[at] ?? 0) !== lower(asked[at] ?? 0)) return false;
  return true;
}

/** "web.net" as labels and their lengths. A label that no message can hold is cut. */
export function encodeName(name: string): Uint8Array {
  const labels = name
    .split(".")
    .filter((label) => label !== "")
    .map((label) => Buffer.from(label).subarray(0, LARGEST_LABEL));
  return Buffer.concat([
    ...labels.flatMap((label) => [Uint8Array.of(label.length), label]),
    Uint8Array.of(0),
  ]);
}
