// A request's JSON body: bounded, of the right content type, with Docker's refusals.

import type { IncomingHttpHeaders } from "node:http";
import { EngineError, invalid } from "#base/errors.ts";
import { parseGoJson } from "#formats/go-json.ts";

export const bodyLimits = {
  /** Of one JSON body. */
  jsonBytes: 16 * 1024 * 1024,
  /** Of each body, what does not count below. */
  freeBytes: 64 * 1024,
  /** Of all bodies that are being read. */
  totalBytes: 128 * 1024 * 1024,
  /** A client that sends nothing for so long is given up. */
  stallMs: 60_000,
};

export interface BodySource {
  readonly headers: IncomingHttpHeaders;
  /** Undefined when it is not known beforehand. */
  readonly bodyLength: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What all clients together may have under way: beyond it only small bodies are read. */
export class BodyBudget {
  #held = 0;

  /** `bytes`: what one body has grown to. Disposing gives all of it back. */
  open(): Disposable & { grow(bytes: number): void } {
    let own = 0;
    return {
      grow: (bytes) => {
        const more = Math.max(0, bytes - bodyLimits.freeBytes) - own;
        if (this.#held + more > bodyLimits.totalBytes)
          throw new EngineError("unavailable", "too many large requests at once, try again later");
        own += more;
        this.#held += more;
      },
      [Symbol.dispose]: () => {
        this.#held -= own;
      },
    };
  }
}

/** Undefined when there is no body. */
export async function readJsonBody(source: BodySource, budget: BodyBudget): Promise<unknown> {
  const length = source.bodyLength;
  if (length === 0) return undefined;
  checkContentType(source.headers["content-type"] ?? "");
  if (length !== undefined && length > bodyLimits.jsonBytes) throw tooLarge();
  const bytes = await readBytes(source.body, { limit: bodyLimits.jsonBytes, tooLarge, budget });
  const parsed = parseGoJson(Buffer.from(bytes).toString("utf8"));
  switch (parsed.kind) {
    case "value":
      return parsed.value;
    case "empty":
      throw invalid("invalid JSON: got EOF while reading request body");
    case "trailing":
      throw invalid("unexpected content after JSON");
    case "error":
      throw invalid(`invalid JSON: ${parsed.message}`);
    default:
      return parsed satisfies never;
  }
}

const tooLarge = (): EngineError =>
  new EngineError("tooLarge", `request body too large: at most ${bodyLimits.jsonBytes} bytes of JSON`);

export interface ReadOptions {
  readonly limit: number;
  readonly tooLarge: () => Error;
  readonly budget: BodyBudget;
}

/** To the end, or to the limit. */
export async function readBytes(body: AsyncIterable<Uint8Array>, options: ReadOptions): Promise<Uint8Array> {
  using share = options.budget.open();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of withinTime(body)) {
    total += chunk.length;
    if (total > options.limit) throw options.tooLarge();
    share.grow(total);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* withinTime(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(stalled()), bodyLimits.stallMs);
    try {
      const next = await Promise.race([iterator.next(), promise]);
      if (next.done === true) return;
      yield next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

const stalled = (): EngineError => invalid("the request's body did not come: timeout");

function checkContentType(contentType: string): void {
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type === "") throw invalid(`malformed Content-Type header (${contentType}): mime: no media type`);
  if (!/^[^\s/]+\/[^\s/]+$/.test(type))
    throw invalid(`malformed Content-Type header (${contentType}): mime: expected slash after first token`);
  if (type !== "application/json")
    throw invalid(`unsupported Content-Type header (${contentType}): must be 'application/json'`);
}
