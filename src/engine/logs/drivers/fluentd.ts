// --log-driver fluentd: the forward protocol in its message mode, [tag, time, record, options] for each message.

import { randomBytes } from "node:crypto";
import { invalid } from "#base/errors.ts";
import { decodeTextMap, encodeMsgpack, type Packable } from "#formats/msgpack.ts";
import { extraAttributes, logTag } from "./attributes.ts";
import { LogStream, type StreamTarget } from "./connection.ts";
import { type LogDriver, type LogInfo, type LogMessage, type LogSink, usualDelivery } from "./driver.ts";
import { readAddress, readBinarySize, readBoolean, readDuration, readUnsigned } from "./option-values.ts";

type Options = LogInfo["options"];

interface Settings {
  readonly target: StreamTarget;
  readonly async: boolean;
  /** Milliseconds; 0 is never. */
  readonly reconnectInterval: number;
  readonly bufferLimit: number | undefined;
  readonly maxRetries: number;
  readonly retryWait: number;
  readonly subSecond: boolean;
  readonly requestAck: boolean;
  readonly writeTimeout: number;
  readonly readTimeout: number;
}

const names = [
  "fluentd-address",
  "fluentd-async",
  "fluentd-async-reconnect-interval",
  "fluentd-buffer-limit",
  "fluentd-max-retries",
  "fluentd-request-ack",
  "fluentd-retry-wait",
  "fluentd-sub-second-precision",
  "fluentd-write-timeout",
  "fluentd-read-timeout",
];
const DEFAULT_PORT = 24224;
const MAX_RETRIES = 0x7fffffff;

export const fluentdDriver: LogDriver = {
  ...usualDelivery,
  options: names,
  unknownOption: (option) => `unknown log opt '${option}' for fluentd log driver`,
  validate: (options) => {
    readSettings(options);
  },
  startsUnconnected: (options) => readSettings(options).async,
  retry: (options) => {
    const { retryWait, maxRetries } = readSettings(options);
    return { wait: retryWait, attempts: Math.max(1, maxRetries) };
  },
  queueLimit: (options) => {
    const { async, bufferLimit } = readSettings(options);
    return async ? bufferLimit : undefined;
  },
  open: openFluentd,
};

function readSettings(options: Options): Settings {
  const given = <T>(name: string, read: (text: string) => T, otherwise: T): T => {
    const text = options[`fluentd-${name}`] ?? "";
    return text === "" ? otherwise : read(text);
  };
  return {
    target: parseAddress(options["fluentd-address"] ?? ""),
    async: given("async", readBoolean, false),
    reconnectInterval: given("async-reconnect-interval", readInterval, 0),
    bufferLimit: given<number | undefined>("buffer-limit", readBinarySize, undefined),
    maxRetries: given("max-retries", readRetries, MAX_RETRIES),
    retryWait: given("retry-wait", readDuration, 1000),
    subSecond: given("sub-second-precision", readBoolean, false),
    requestAck: given("request-ack", readBoolean, false),
    writeTimeout: given("write-timeout", (text) => readTimeout("write", text), 0),
    readTimeout: given("read-timeout", (text) => readTimeout("read", text), 0),
  };
}

function parseAddress(text: string): StreamTarget {
  if (text === "") return { host: "127.0.0.1", port: DEFAULT_PORT };
  try {
    const { scheme, host, port, path } = readAddress(text.includes("://") ? text : `tcp://${text}`);
    if (scheme === "unix") {
      if (path.replace(/^\/+/, "") === "") throw invalid("path is empty");
      return { path };
    }
    if (scheme !== "tcp" && scheme !== "tls") throw invalid(`unsupported scheme: '${scheme}'`);
    if (path !== "") throw invalid("should not contain a path element");
    if (Number(port) > 0xffff)
      throw invalid(`invalid port: strconv.ParseUint: parsing "${port}": value out of range`);
    const place = { host: host || "127.0.0.1", port: Number(port || DEFAULT_PORT) };
    return scheme === "tls" ? { ...place, tls: {} } : place;
  } catch (error) {
    throw invalid(`invalid fluentd-address (${text}): ${error instanceof Error ? error.message : error}`);
  }
}

function readRetries(text: string): number {
  const value = readUnsigned(text);
  if (value > MAX_RETRIES) throw invalid("invalid fluentd-max-retries: value out of range");
  return value;
}

function readInterval(text: string): number {
  const name = "fluentd-async-reconnect-interval";
  const value = inOption(`invalid value for ${name}: `, () => readDuration(text));
  if (value !== 0 && (value < 100 || value > 10_000))
    throw invalid(`invalid value for ${name}: value ("${text}") must be between 100ms and 10s`);
  return value;
}

function readTimeout(what: "read" | "write", text: string): number {
  const prefix = `invalid value for fluentd-${what}-timeout: value must be a duration`;
  const value = inOption(`${prefix}: `, () => readDuration(text));
  if (value < 0) throw invalid(`${prefix} that is non-negative`);
  return value;
}

function inOption<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw invalid(`${prefix}${error instanceof Error ? error.message : error}`);
  }
}

async function openFluentd(info: LogInfo, signal: AbortSignal): Promise<LogSink> {
  const settings = readSettings(info.options);
  const tag = logTag(info, "{{.ID}}");
  const extra = Object.entries(extraAttributes(info));
  const record = (message: LogMessage): ReadonlyMap<string, string> =>
    new Map([
      ["container_id", info.containerId],
      ["container_name", `/${info.containerName}`],
      ["source", message.stream],
      ["log", message.text],
      ...extra,
      ...describePart(message),
    ]);
  const connection = new FluentdConnection(settings, await LogStream.connect(settings.target, signal));
  return {
    send: async (messages, stop) => {
      await connection.refresh(stop);
      const entries = messages.map((message) => ({
        message: [tag, timeOf(message.time, settings.subSecond), record(message)] as const,
        chunk: settings.requestAck ? randomBytes(16).toString("base64") : undefined,
      }));
      const packed = entries.map(({ message, chunk }) => encodeMsgpack([...message, optionsOf(chunk)]));
      const chunks = entries.flatMap(({ chunk }) => chunk ?? []);
      await connection.send(Buffer.concat(packed), chunks, stop);
    },
    [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
  };
}

const optionsOf = (chunk: string | undefined): ReadonlyMap<string, string> =>
  new Map(chunk === undefined ? [] : [["chunk", chunk]]);

function describePart({ partial }: LogMessage): readonly (readonly [string, string])[] {
  if (partial === undefined) return [];
  return [
    ["partial_message", "true"],
    ["partial_id", partial.id],
    ["partial_ordinal", String(partial.ordinal)],
    ["partial_last", String(partial.last)],
  ];
}

/** Seconds, or fluentd's EventTime: extension 0 with seconds and nanoseconds. */
function timeOf(time: bigint, subSecond: boolean): Packable {
  const seconds = Number(time / 1_000_000_000n);
  if (!subSecond) return seconds;
  const data = Buffer.alloc(8);
  data.writeUInt32BE(seconds >>> 0, 0);
  data.writeUInt32BE(Number(time % 1_000_000_000n), 4);
  return { extension: 0, data };
}

/** The stream, and the acknowledgements that come back on it. */
class FluentdConnection implements Disposable {
  readonly #settings: Settings;
  #stream: LogStream;
  #since = Date.now();
  #received = Buffer.alloc(0);
  #awaited = new Set<string>();
  #acknowledged = Promise.withResolvers<void>();

  constructor(settings: Settings, stream: LogStream) {
    this.#settings = settings;
    this.#stream = stream;
    this.#listen();
  }

  /** A new connection when this one is as old as the options say: its name may lead elsewhere by now. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { reconnectInterval, target, async } = this.#settings;
    if (!async || reconnectInterval === 0 || Date.now() - this.#since < reconnectInterval) return;
    this.#stream[Symbol.dispose]();
    this.#stream = await LogStream.connect(target, signal);
    this.#since = Date.now();
    this.#listen();
  }

  async send(data: Buffer, chunks: readonly string[], signal: AbortSignal): Promise<void> {
    this.#awaited = new Set(chunks);
    this.#acknowledged = Promise.withResolvers<void>();
    this.#acknowledged.promise.catch(() => undefined); // of a write that fails nobody waits for the answer
    await this.#stream.write(data, this.#settings.writeTimeout, signal);
    if (chunks.length === 0) return;
    const { promise, reject } = this.#acknowledged;
    const stop = (): void => reject(signal.reason);
    const { readTimeout } = this.#settings;
    const timer =
      readTimeout > 0 ? setTimeout(() => reject(new Error("read: i/o timeout")), readTimeout) : undefined;
    signal.addEventListener("abort", stop, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
  }

  #listen(): void {
    this.#stream.onData((data) => this.#take(data));
    this.#stream.onClose(() => this.#acknowledged.reject(new Error("closed before the acknowledgement")));
  }

  #take(data: Buffer): void {
    if (!this.#settings.requestAck) return;
    this.#received = Buffer.concat([this.#received, data]);
    try {
      for (;;) {
        const answer = decodeTextMap(this.#received);
        if (answer === undefined) return;
        this.#received = this.#received.subarray(answer.length);
        this.#awaited.delete(answer.map.get("ack") ?? "");
        if (this.#awaited.size === 0) this.#acknowledged.resolve();
      }
    } catch (error) {
      this.#acknowledged.reject(error);
    }
  }
}
