// --log-driver gelf: JSON messages to Graylog, over UDP in compressed chunks or over TCP with a zero byte after each.

import { randomBytes } from "node:crypto";
import { deflateSync, gzipSync } from "node:zlib";
import { invalid } from "#base/errors.ts";
import { extraAttributes, logTag } from "./attributes.ts";
import { LogDatagrams, LogStream } from "./connection.ts";
import { type LogDriver, type LogInfo, type LogMessage, type LogSink, usualDelivery } from "./driver.ts";
import { joinHostPort, type LogAddress, readAddress } from "./option-values.ts";

type Options = LogInfo["options"];

const INFO = 6;
const ERROR = 3;

export const gelfDriver: LogDriver = {
  ...usualDelivery,
  options: [
    "gelf-address",
    "gelf-compression-level",
    "gelf-compression-type",
    "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
  ],
  unknownOption: (option) => `unknown log opt "${option}" for gelf log driver`,
  validate: (options) => {
    const { scheme } = parseAddress(options["gelf-address"] ?? "");
    for (const [name, value] of Object.entries(options)) validateOption(scheme, name, value);
  },
  retry: (options) => ({
    wait: Number(options["gelf-tcp-reconnect-delay"] ?? 1) * 1000,
    attempts:
      options["gelf-tcp-max-reconnect"] === undefined
        ? Number.POSITIVE_INFINITY
        : Number(options["gelf-tcp-max-reconnect"]) + 1,
  }),
  open: openGelf,
};

function parseAddress(text: string): LogAddress {
  if (text === "") throw invalid("gelf-address is a required parameter");
  const address = readAddress(text);
  if (address.scheme !== "udp" && address.scheme !== "tcp")
    throw invalid("gelf: endpoint needs to be TCP or UDP");
  if (address.port === "") throw invalid("gelf: please provide gelf-address as proto://host:port");
  return address;
}

const isCount = (text: string): boolean => /^\+?\d+$/.test(text);

function validateOption(scheme: string, name: string, value: string): void {
  if (name.startsWith("gelf-compression") && scheme !== "udp")
    throw invalid("compression is only supported on UDP");
  if (name.startsWith("gelf-tcp-") && scheme !== "tcp") throw invalid(`"${name}" is only valid for TCP`);
  if (name.startsWith("gelf-tcp-") && !isCount(value)) throw invalid(`"${name}" must be a positive integer`);
  const allowed: Readonly<Record<string, RegExp>> = {
    "gelf-compression-level": /^(-1|[0-9])$/,
    "gelf-compression-type": /^(gzip|zlib|none)$/,
  };
  if (allowed[name]?.test(value) === false)
    throw invalid(`unknown value "${value}" for log opt "${name}" for gelf log driver`);
}

async function openGelf(info: LogInfo, signal: AbortSignal): Promise<LogSink> {
  const { scheme, host, port } = parseAddress(info.options["gelf-address"] ?? "");
  const extra = describeContainer(info);
  const encode = (message: LogMessage): Buffer => Buffer.from(encodeGelf(message, info.hostname, extra));
  const target = { host: host || "127.0.0.1", port: Number(port) };
  return sinkOver(await connect(scheme, target, info.options, signal), encode);
}

const sinkOver = (carrier: Carrier, encode: (message: LogMessage) => Buffer): LogSink => ({
  send: (messages, signal) => carrier.send(messages.filter(({ text }) => text !== "").map(encode), signal),
  [Symbol.asyncDispose]: async () => carrier[Symbol.dispose](),
});

interface Carrier extends Disposable {
  send(messages: readonly Buffer[], signal: AbortSignal): Promise<void>;
}

async function connect(
  scheme: string,
  target: { readonly host: string; readonly port: number },
  options: Options,
  signal: AbortSignal,
): Promise<Carrier> {
  try {
    if (scheme === "tcp") return overTcp(await LogStream.connect(target, signal));
    return overUdp(await LogDatagrams.connect(target.host, target.port, signal), packer(options));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    const shown = joinHostPort(target.host, target.port);
    throw new Error(`gelf: cannot connect to GELF endpoint: ${shown} ${error.message}`, { cause: error });
  }
}

function overTcp(stream: LogStream): Carrier {
  stream.ignoreData();
  const end = Buffer.from([0]);
  return {
    send: async (messages, signal) => {
      if (messages.length === 0) return;
      await stream.write(Buffer.concat(messages.flatMap((message) => [message, end])), 0, signal);
    },
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

const overUdp = (socket: LogDatagrams, pack: (message: Buffer) => Buffer): Carrier => ({
  send: (messages) => socket.send(messages.flatMap((message) => chunksOf(pack(message)))),
  [Symbol.dispose]: () => socket[Symbol.dispose](),
});

function packer(options: Options): (message: Buffer) => Buffer {
  const level = Number(options["gelf-compression-level"] ?? 1);
  switch (options["gelf-compression-type"] ?? "gzip") {
    case "none":
      return (message) => message;
    case "zlib":
      return (message) => deflateSync(message, { level });
    default:
      return (message) => gzipSync(message, { level });
  }
}

/** Of a datagram; a chunk has 12 bytes before its data: 1e 0f, the message's id (8), its number, how many there are. */
const DATAGRAM = 1420;
const CHUNK = DATAGRAM - 12;
const MAX_CHUNKS = 128;

function chunksOf(message: Buffer): readonly Buffer[] {
  if (message.length <= DATAGRAM) return [message];
  const count = Math.ceil(message.length / CHUNK);
  if (count > MAX_CHUNKS) return []; // the protocol has no way to send it
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      message.subarray(index * CHUNK, (index + 1) * CHUNK),
    ]),
  );
}

function describeContainer(info: LogInfo): Readonly<Record<string, string>> {
  const fields = {
    _command: info.command.join(" "),
    _container_id: info.containerId,
    _container_name: info.containerName,
    _created: info.created,
    _image_id: info.imageId,
    _image_name: info.imageName,
    _tag: logTag(info, "{{.ID}}"),
    ...extraAttributes(info, (name) => (name.startsWith("_") ? name : `_${name}`)),
  };
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const encodeGelf = (
  { text, stream, time }: LogMessage,
  host: string,
  extra: Readonly<Record<string, string>>,
): string =>
  JSON.stringify({
    version: "1.1",
    host,
    short_message: text,
    timestamp: Number(time / 1_000_000n) / 1000,
    level: stream === "stderr" ? ERROR : INFO,
    ...extra,
  });
