// --log-driver journald: the journal's native protocol, one datagram for each message (systemd.io/JOURNAL_NATIVE_PROTOCOL).

import { randomBytes } from "node:crypto";
import { formatTime } from "#base/clock.ts";
import { systemError } from "#base/errors.ts";
import { extraAttributes, logTag } from "./attributes.ts";
import { type LogDriver, type LogInfo, type LogMessage, type LogSink, usualDelivery } from "./driver.ts";
import { UnixDatagrams } from "./unix-datagrams.ts";

const SOCKET = "/run/systemd/journal/socket";

/** `socket`: the journal's, for tests. */
export const journaldDriver = (socket = SOCKET): LogDriver => ({
  ...usualDelivery,
  options: [],
  unknownOption: (option) => `unknown log opt '${option}' for journald log driver`,
  validate: () => undefined,
  open: async (info) => sinkOver(connect(socket), info),
});

function sinkOver(socket: UnixDatagrams, info: LogInfo): LogSink {
  const fields = describeContainer(info);
  let ordinal = 0;
  return {
    send: (messages, signal) =>
      socket.send(
        messages.map((message) => encodeEntry(message, fields, ++ordinal)),
        signal,
      ),
    [Symbol.asyncDispose]: async () => socket[Symbol.dispose](),
  };
}

function connect(path: string): UnixDatagrams {
  try {
    return new UnixDatagrams(path);
  } catch (error) {
    throw systemError("journald is not enabled on this host", { cause: error });
  }
}

function describeContainer(info: LogInfo): Readonly<Record<string, string>> {
  const tag = logTag(info, "{{.ID}}");
  return {
    CONTAINER_ID: info.containerId.slice(0, 12),
    CONTAINER_ID_FULL: info.containerId,
    CONTAINER_NAME: info.containerName,
    CONTAINER_TAG: tag,
    IMAGE_NAME: info.imageName,
    SYSLOG_IDENTIFIER: tag,
    CONTAINER_LOG_EPOCH: randomBytes(32).toString("hex"),
    ...extraAttributes(info, fieldName),
  };
}

/** Capital letters, digits and underscores, of which none is the first. */
const fieldName = (name: string): string =>
  name
    .replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())
    .replaceAll(/[^A-Z0-9]/gu, "_")
    .replace(/^_+/, "");

function encodeEntry(
  { text, stream, time, partial }: LogMessage,
  fields: Readonly<Record<string, string>>,
  ordinal: number,
): Buffer {
  const entry = {
    PRIORITY: stream === "stderr" ? "3" : "6",
    MESSAGE: text,
    ...fields,
    SYSLOG_TIMESTAMP: formatTime(time),
    CONTAINER_LOG_ORDINAL: String(ordinal),
    ...(partial !== undefined && {
      CONTAINER_PARTIAL_ID: partial.id,
      CONTAINER_PARTIAL_ORDINAL: String(partial.ordinal),
      CONTAINER_PARTIAL_LAST: String(partial.last),
      ...(!partial.last && { CONTAINER_PARTIAL_MESSAGE: "true" }),
    }),
  };
  return Buffer.concat(Object.entries(entry).map(([name, value]) => encodeField(name, value)));
}

/** NAME=value, or with a newline in it NAME, the length as u64le, and the value. */
function encodeField(name: string, value: string): Buffer {
  if (!value.includes("\n")) return Buffer.from(`${name}=${value}\n`);
  const data = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, data, Buffer.from("\n")]);
}
