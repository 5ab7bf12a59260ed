// Lines of the json-file log -> messages for a receiver, each with the offset behind it.

import { randomBytes } from "node:crypto";
import type { LogMessage } from "./drivers/driver.ts";
import { entryTime, type LogEntry, parseLogEntry } from "./entry.ts";
import type { LogChunk, LogPosition } from "./read.ts";

export interface MessageBatch {
  readonly messages: readonly LogMessage[];
  readonly bytes: number;
  /** When they are delivered, the log is up to here. */
  readonly position: LogPosition;
}

/** So many that a batch takes no noticeable time to encode. */
const BATCH = 256;
const NEWLINE = 0x0a;

/** Keeps, for each stream, the number of the part that a long line has come to. */
export class MessageReader {
  readonly #parts = new Map<LogEntry["stream"], { readonly id: string; readonly ordinal: number }>();

  *read(chunk: LogChunk): Generator<MessageBatch> {
    const base = chunk.end - chunk.bytes.length;
    let messages: LogMessage[] = [];
    let begin = 0;
    for (let start = 0; start < chunk.bytes.length; ) {
      const end = chunk.bytes.indexOf(NEWLINE, start) + 1;
      const entry = parseLogEntry(chunk.bytes.toString("utf8", start, end));
      if (entry !== undefined) messages.push(this.#toMessage(entry));
      start = end;
      if (messages.length < BATCH && start < chunk.bytes.length) continue;
      yield { messages, bytes: start - begin, position: { file: chunk.file, offset: base + start } };
      messages = [];
      begin = start;
    }
  }

  #toMessage(entry: LogEntry): LogMessage {
    const { stream } = entry;
    const last = entry.text.endsWith("\n");
    const before = this.#parts.get(stream);
    const message = { text: last ? entry.text.slice(0, -1) : entry.text, stream, time: entryTime(entry) };
    if (last) this.#parts.delete(stream);
    if (last && before === undefined) return message;
    const id = before?.id ?? randomBytes(32).toString("hex");
    const ordinal = (before?.ordinal ?? 0) + 1;
    if (!last) this.#parts.set(stream, { id, ordinal });
    return { ...message, partial: { id, ordinal, last } };
  }
}
