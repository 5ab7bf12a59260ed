// --log-driver syslog.

import { readFileSync, statSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { invalid, systemError } from "#base/errors.ts";
import { logTag } from "./attributes.ts";
import { LogDatagrams, LogStream } from "./connection.ts";
import { type LogDriver, type LogInfo, type LogMessage, type LogSink, usualDelivery } from "./driver.ts";
import { type LogAddress, readAddress } from "./option-values.ts";
import { formatSyslog, type SyslogFormat, syslogFormats } from "./syslog-format.ts";
import { UnixDatagrams } from "./unix-datagrams.ts";

const facilities =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const INFO = 6;
const ERROR = 3;
const DEFAULT_PORT = 514;
/** Where local syslog daemons listen. */
const localSockets = ["/dev/log", "/var/run/syslog", "/var/run/log"];

export const syslogDriver: LogDriver = {
  ...usualDelivery,
  options: [
    "syslog-address",
    "syslog-facility",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
    "syslog-format",
  ],
  unknownOption: (option) => `unknown log opt '${option}' for syslog log driver`,
  validate: (options) => {
    parseAddress(options["syslog-address"] ?? "");
    parseFacility(options["syslog-facility"] ?? "");
    parseFormat(options["syslog-format"] ?? "");
  },
  open: openSyslog,
};

/** undefined: the machine's own. */
function parseAddress(text: string): LogAddress | undefined {
  if (text === "") return undefined;
  const address = readAddress(text);
  const { scheme, path } = address;
  if (scheme === "unix" || scheme === "unixgram") {
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      throw invalid(`stat ${path}: no such file or directory`);
    return address;
  }
  if (!["udp", "tcp", "tcp+tls"].includes(scheme)) throw invalid(`unsupported scheme: '${scheme}'`);
  return address;
}

function parseFacility(text: string): number {
  if (text === "") return facilities.indexOf("daemon");
  const named = text === "-" ? -1 : facilities.indexOf(text);
  if (named >= 0) return named;
  if (/^[+-]?\d+$/.test(text) && Number(text) >= 0 && Number(text) <= 23) return Number(text);
  throw invalid("invalid syslog facility");
}

function parseFormat(text: string): SyslogFormat {
  const format = syslogFormats.find((known) => known === text);
  if (format === undefined) throw invalid("Invalid syslog format");
  return format;
}

/** What carries formatted messages. */
interface Carrier extends Disposable {
  send(messages: readonly string[], signal: AbortSignal): Promise<void>;
}

async function openSyslog(info: LogInfo, signal: AbortSignal): Promise<LogSink> {
  const { options } = info;
  const tag = logTag(info, "{{.ID}}");
  const address = parseAddress(options["syslog-address"] ?? "");
  const facility = parseFacility(options["syslog-facility"] ?? "");
  const format = parseFormat(options["syslog-format"] ?? "");
  // RFC 5425: over TLS each message is told its length first.
  const counted = address?.scheme === "tcp+tls" && format.startsWith("rfc5424");
  const encode = ({ text, stream, time }: LogMessage): string => {
    const message = formatSyslog(format, {
      priority: (facility << 3) | (stream === "stderr" ? ERROR : INFO),
      time: Number(time / 1000n) / 1000,
      hostname: info.hostname,
      tag,
      pid: process.pid,
      text,
    });
    return counted ? `${Buffer.byteLength(message)} ${message}` : message;
  };
  return sinkOver(await openCarrier(address, options, signal), encode);
}

const sinkOver = (carrier: Carrier, encode: (message: LogMessage) => string): LogSink => ({
  send: (messages, signal) => carrier.send(messages.filter(({ text }) => text !== "").map(encode), signal),
  [Symbol.asyncDispose]: async () => carrier[Symbol.dispose](),
});

async function openCarrier(
  address: LogAddress | undefined,
  options: LogInfo["options"],
  signal: AbortSignal,
): Promise<Carrier> {
  if (address === undefined) return openLocal(signal);
  const { scheme, host, port, path } = address;
  if (scheme === "unixgram") return overDatagrams(openUnixDatagrams(path));
  if (scheme === "udp") {
    return overDatagrams(
      await LogDatagrams.connect(host || "127.0.0.1", Number(port || DEFAULT_PORT), signal),
    );
  }
  const place =
    scheme === "unix" ? { path } : { host: host || "127.0.0.1", port: Number(port || DEFAULT_PORT) };
  const tls = scheme === "tcp+tls" ? { tls: readTls(options) } : {};
  return overStream(await LogStream.connect({ ...place, ...tls }, signal));
}

/** Datagrams first, as local daemons serve them. */
async function openLocal(signal: AbortSignal): Promise<Carrier> {
  for (const path of localSockets) {
    try {
      return overDatagrams(new UnixDatagrams(path));
    } catch {} // the next one may be there
  }
  for (const path of localSockets) {
    try {
      return overStream(await LogStream.connect({ path }, signal));
    } catch {} // the next one may be there
  }
  throw systemError("Unix syslog delivery error");
}

function openUnixDatagrams(path: string): UnixDatagrams {
  try {
    return new UnixDatagrams(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = code === "EPROTOTYPE" ? "protocol wrong type for socket" : "connection refused";
    throw systemError(`dial unixgram ${path}: connect: ${why}`, { cause: error });
  }
}

const overDatagrams = (
  socket: { send(data: readonly Uint8Array[], signal: AbortSignal): Promise<void> } & Disposable,
): Carrier => ({
  send: (messages, signal) =>
    socket.send(
      messages.map((message) => Buffer.from(message)),
      signal,
    ),
  [Symbol.dispose]: () => socket[Symbol.dispose](),
});

function overStream(stream: LogStream): Carrier {
  stream.ignoreData();
  return {
    send: async (messages, signal) => {
      if (messages.length > 0) await stream.write(Buffer.from(messages.join("")), 0, signal);
    },
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

function readTls(options: LogInfo["options"]): ConnectionOptions {
  const read = (option: string, what: string): { [name: string]: Buffer } => {
    const path = options[option] ?? "";
    if (path === "") return {};
    try {
      return { [what]: readFileSync(path) };
    } catch (error) {
      const why = what === "ca" ? "could not read CA certificate" : "Could not load X509 key pair";
      throw systemError(`${why} ${JSON.stringify(path)}: open ${path}: no such file or directory`, {
        cause: error,
      });
    }
  };
  return {
    ...read("syslog-tls-ca-cert", "ca"),
    ...read("syslog-tls-cert", "cert"),
    ...read("syslog-tls-key", "key"),
    // As with Docker, the option is on by being there.
    rejectUnauthorized: options["syslog-tls-skip-verify"] === undefined,
    minVersion: "TLSv1.2",
  };
}
