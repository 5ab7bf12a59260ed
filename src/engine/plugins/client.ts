// Calls a plugin: POST /Interface.Method with JSON both ways.

import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "#base/decode.ts";
import { EngineError, systemError } from "#base/errors.ts";
import type { PluginAddress, PluginTls } from "./discover.ts";

const mediaType = "application/vnd.docker.plugins.v1.2+json";
/** Of a plugin's answer. */
const maxAnswer = 4 * 1024 * 1024;

/** The plugin answered, and not what was asked for. */
export class PluginRefusal extends EngineError {
  readonly status: number;

  /** `status`: of the answer. */
  constructor(message: string, status = 200) {
    super("system", message);
    this.status = status;
  }
}

/** Milliseconds for which a plugin that nobody answers for is asked again: it may be about to start. As dockerd's. */
export const RETRY_MS = 30_000;

export class PluginClient {
  readonly #address: PluginAddress;

  constructor(address: PluginAddress) {
    this.#address = address;
  }

  /** Rejects if the plugin does not speak the interface ("authz"). */
  async activate(wanted: string, signal: AbortSignal): Promise<void> {
    const answer = await this.call("Plugin.Activate", undefined, signal);
    const spoken = isRecord(answer) && Array.isArray(answer.Implements) ? answer.Implements : [];
    if (!spoken.includes(wanted))
      throw systemError(`plugin "${this.#address.name}" does not implement ${wanted}`);
  }

  /** Rejects with the plugin's own words, too, when its answer is not 200. `retryMs`: for so long one that does not listen is tried. */
  async call(method: string, body: unknown, signal: AbortSignal, retryMs = 0): Promise<unknown> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const { status, answer } = await this.#send({ method, text, retryMs }, signal);
    const value = parse(answer);
    if (status === 200 && value !== undefined) return value;
    const told = isRecord(value) && typeof value.Err === "string" && value.Err !== "" ? value.Err : answer;
    throw new PluginRefusal(`${method}: ${status === 200 ? "the answer is no JSON" : told}`, status);
  }

  /** Waits 1, 2, 4 … seconds between tries. What reached the plugin is not sent again. */
  async #send({ method, text, retryMs }: Question, signal: AbortSignal): Promise<Answer> {
    for (let waited = 0, pause = 1000; ; waited += pause, pause *= 2) {
      try {
        return await post(this.#address, method, text, signal);
      } catch (error) {
        if (isTimeout(signal))
          throw systemError(`${method}: plugin "${this.#address.name}" does not answer`, { cause: error });
        if (!isUnheard(error) || waited + pause >= retryMs) throw error;
        await delay(pause, undefined, { signal });
      }
    }
  }
}

const isTimeout = ({ reason }: AbortSignal): boolean =>
  reason instanceof DOMException && reason.name === "TimeoutError";

/** Nobody listens; not that a file of its TLS settings is missing. */
const isUnheard = (error: unknown): boolean =>
  error instanceof Error &&
  "syscall" in error &&
  error.syscall === "connect" &&
  "code" in error &&
  (error.code === "ECONNREFUSED" || error.code === "ENOENT");

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Question {
  readonly method: string;
  readonly text: string;
  readonly retryMs: number;
}

interface Answer {
  readonly status: number;
  readonly answer: string;
}

function post(address: PluginAddress, method: string, text: string, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options: RequestOptions = {
    ...placeOf(address.url),
    method: "POST",
    path: `/${method}`,
    headers: { Accept: mediaType, "Content-Type": mediaType, "Content-Length": Buffer.byteLength(text) },
    agent: false,
    signal,
    ...(address.tls !== undefined && tlsOptions(address.tls)),
  };
  const secure = address.tls !== undefined || address.url.protocol === "https:";
  const outgoing = (secure ? requestHttps : requestHttp)(options);
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    incoming.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      if (size > maxAnswer) outgoing.destroy(systemError(`${method}: the answer is over ${maxAnswer} bytes`));
      chunks.push(chunk);
    });
    incoming.on("error", reject);
    incoming.on("end", () => {
      resolve({ status: incoming.statusCode ?? 0, answer: Buffer.concat(chunks).toString("utf8") });
    });
  });
  outgoing.end(text);
  return promise;
}

const placeOf = ({ protocol, hostname, port, pathname }: URL): RequestOptions =>
  protocol === "unix:"
    ? { socketPath: decodeURIComponent(pathname), host: "plugin" }
    : { host: hostname.replace(/^\[(.*)\]$/, "$1"), ...(port !== "" && { port }) };

const tlsOptions = ({ caFile, certFile, keyFile, insecure }: PluginTls): RequestOptions => ({
  rejectUnauthorized: !insecure,
  ...(caFile !== "" && { ca: readFileSync(caFile) }),
  ...(certFile !== "" && { cert: readFileSync(certFile) }),
  ...(keyFile !== "" && { key: readFileSync(keyFile) }),
});
