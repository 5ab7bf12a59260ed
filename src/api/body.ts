// A request's JSON body: bounded, of the right content type, with Docker's refusals.

import { EngineError, invalid } from "#base/errors.ts";
import { parseGoJson } from "#formats/go-json.ts";
import type { HttpExchange } from "#transport/http/exchange.ts";

const maxJsonBytes = 16 * 1024 * 1024;

/** Undefined when there is no body. */
export async function readJsonBody(exchange: HttpExchange): Promise<unknown> {
  const length = exchange.bodyLength;
  if (length === 0) return undefined;
  checkContentType(exchange.headers["content-type"] ?? "");
  if (length !== undefined && length > maxJsonBytes) throw tooLarge();
  const parsed = parseGoJson(await readText(exchange.body));
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
  new EngineError("tooLarge", `request body too large: at most ${maxJsonBytes} bytes of JSON`);

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > maxJsonBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function checkContentType(contentType: string): void {
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type === "") throw invalid(`malformed Content-Type header (${contentType}): mime: no media type`);
  if (!/^[^\s/]+\/[^\s/]+$/.test(type))
    throw invalid(`malformed Content-Type header (${contentType}): mime: expected slash after first token`);
  if (type !== "application/json")
    throw invalid(`unsupported Content-Type header (${contentType}): must be 'application/json'`);
}
