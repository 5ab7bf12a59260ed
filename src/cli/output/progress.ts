// Progress of pulls and the like: a line per layer, redrawn on a terminal; elsewhere only what happened.

import type { ProgressMessage } from "#client/images.ts";
import { formatSize } from "#formats/units.ts";
import type { OutputStream } from "../session.ts";

const BAR_ROOM = 50;
const MIN_COLUMNS = 110;

function bar(current: number, total: number, columns: number): string {
  const share = Math.min(100, Math.trunc((current / total) * 100));
  if (columns <= MIN_COLUMNS) return "";
  const done = Math.trunc(share / 2);
  const room = BAR_ROOM - done;
  return `[${"=".repeat(done)}>${" ".repeat(Math.max(0, room))}] `;
}

/** "[==>      ]  1.2MB/5MB", as the daemon's detail says; "" if it says nothing. */
function formatProgress(detail: ProgressMessage["progressDetail"], columns: number): string {
  const current = detail?.current ?? 0;
  const total = detail?.total ?? 0;
  if (current <= 0 && total <= 0) return "";
  if (detail?.units !== undefined && detail.units !== "")
    return total <= 0 ? `${current} ${detail.units}` : `${current}/${total} ${detail.units}`;
  const size = formatSize(current).padStart(8);
  if (total <= 0) return size;
  return `${bar(current, total, columns)}${size}/${formatSize(total)}`;
}

/** It tells how far something is, which is out of date at once. */
const isPassing = ({ progressDetail }: ProgressMessage): boolean =>
  progressDetail !== undefined && Object.keys(progressDetail).length > 0;

function throwFailure({ errorDetail, error }: ProgressMessage): void {
  const failure = errorDetail?.message ?? error;
  if (failure !== undefined) throw new Error(failure);
}

/** One display of one stream of messages. */
class ProgressDisplay {
  readonly #out: OutputStream;
  readonly #rows = new Map<string, number>();

  constructor(out: OutputStream) {
    this.#out = out;
  }

  /** Throws an Error with the daemon's message if that is what it is. */
  show(message: ProgressMessage): void {
    throwFailure(message);
    if (message.stream !== undefined) {
      this.#out.write(message.stream);
      return;
    }
    if (message.status === undefined) return;
    if (this.#out.isTTY === true) this.#redraw(message);
    else if (!isPassing(message)) this.#out.write(`${this.#text(message)}\n`);
  }

  #text(message: ProgressMessage): string {
    const head = message.id === undefined || message.id === "" ? "" : `${message.id}: `;
    const progress = formatProgress(message.progressDetail, this.#out.columns ?? 80);
    return `${head}${message.status}${progress === "" ? "" : ` ${progress}`}`;
  }

  #redraw(message: ProgressMessage): void {
    const { id } = message;
    const isLayer = id !== undefined && id !== "" && message.progressDetail !== undefined;
    if (!isLayer) {
      this.#rows.clear(); // what follows starts below this line
      this.#out.write(`${this.#text(message)}\n`);
      return;
    }
    if (!this.#rows.has(id)) {
      this.#rows.set(id, this.#rows.size);
      this.#out.write("\n");
    }
    const up = this.#rows.size - (this.#rows.get(id) ?? 0);
    this.#out.write(`\x1b[${up}A\x1b[2K\r${this.#text(message)}\r\x1b[${up}B`);
  }
}

/** Shows a whole stream; throws an Error with the daemon's message if it ends in one. */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  out: OutputStream,
): Promise<void> {
  const display = new ProgressDisplay(out);
  for await (const message of messages) display.show(message);
}

/** Reads a stream to its end without showing it; throws as `showProgress` does. */
export async function awaitProgress(messages: AsyncIterable<ProgressMessage>): Promise<void> {
  for await (const message of messages) throwFailure(message);
}
