// The same container under gantryd and a real dockerd, with the same driver and the same receiver: what arrives may differ only in ids,
// times and process ids.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { gunzipSync, inflateSync } from "node:zlib";
import { makeCertificate } from "../system/certificates.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { startBackground } from "../system/process.ts";
import { decodeAll } from "./msgpack-decoder.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const receiver = join(import.meta.dirname, "receiver.ts");
const directory = mkdtempSync(join(tmpdir(), "gantry-receiver-"));
const [certificate, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];

const extensions = ["subjectAltName=IP:127.0.0.1"];

let ours: Engine;
let theirs: Client & AsyncDisposable;

before(async () => {
  if (skip) return;
  await makeCertificate({ certificate, key, name: "127.0.0.1", extensions });
  process.env.SSL_CERT_FILE = certificate; // an authority that both daemons' machine trusts
  ours = await startEngine();
  theirs = await startPeer({ netns: ours.netns });
  await Promise.all([importBusybox(ours), importBusybox(theirs)]);
});
after(async () => {
  await theirs?.[Symbol.asyncDispose]();
  await ours?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

type Decode = (pieces: readonly Buffer[]) => readonly unknown[];

interface Case {
  readonly driver: string;
  readonly listen: readonly string[];
  readonly options: readonly string[];
  /** Where dockerd lacks something. */
  readonly theirs?: Pick<Case, "listen" | "options">;
  /** For gantryd alone. */
  readonly ourOptions?: readonly string[];
  /** Shell commands of the container. */
  readonly prints?: string;
  readonly messages?: number;
  readonly decode: Decode;
}

const text: Decode = (pieces) => pieces.map(String);
const lines: Decode = (pieces) =>
  Buffer.concat(pieces)
    .toString()
    .split(/(?<=\n)/)
    .filter((line) => line !== "");
/** Each message behind its length. */
function counted(pieces: readonly Buffer[]): readonly unknown[] {
  let left = Buffer.concat(pieces).toString("latin1"); // the length is in bytes
  const messages: string[] = [];
  for (let head = /^(\d+) /.exec(left); head !== null; head = /^(\d+) /.exec(left)) {
    const end = head[0].length + Number(head[1]);
    messages.push(`counted ${left.slice(head[0].length, end)}`);
    left = left.slice(end);
  }
  return messages;
}
const forward: Decode = (pieces) => decodeAll(Buffer.concat(pieces)).values;
const json = (data: Buffer): unknown => JSON.parse(data.toString());
const gelf =
  (unpack: (data: Buffer) => Buffer): Decode =>
  (pieces) =>
    pieces.map((piece) => json(unpack(piece)));
const zeroEnded: Decode = (pieces) =>
  Buffer.concat(pieces)
    .toString()
    .split("\0")
    .slice(0, -1)
    .map((message) => json(Buffer.from(message)));
/** 1e 0f, id, number, count, data. */
const chunked: Decode = (pieces) => {
  if (pieces.length < 2 || pieces.length !== pieces[0]?.[11]) return [];
  const [first] = pieces;
  assert.ok(pieces.every((piece) => piece.subarray(0, 10).equals(first.subarray(0, 10))));
  const data = pieces.toSorted((a, b) => (a[10] ?? 0) - (b[10] ?? 0)).map((piece) => piece.subarray(12));
  return [{ chunks: pieces.length, ...Object(json(Buffer.concat(data))) }];
};

const chosen = [
  "labels=team",
  "env-regex=^MODE",
  "tag={{.Name}}/{{.ImageName}}/{{upper .DaemonName}}/{{.ID}}",
];
const socket = join(directory, "socket");
const syslog = (listen: readonly string[], options: readonly string[], decode: Decode): Case => ({
  driver: "syslog",
  listen,
  options,
  decode,
});
const udp = ["udp", "5514"];
const cases: Readonly<Record<string, Case>> = {
  "syslog over udp": syslog(udp, ["syslog-address=udp://127.0.0.1:5514"], text),
  "syslog, RFC 3164, a facility": syslog(
    udp,
    ["syslog-address=udp://127.0.0.1:5514", "syslog-format=rfc3164", "syslog-facility=local3"],
    text,
  ),
  "syslog over tcp, RFC 5424": syslog(
    ["tcp", "5515"],
    ["syslog-address=tcp://127.0.0.1:5515", "syslog-format=rfc5424", "syslog-facility=4"],
    lines,
  ),
  "syslog over tls, RFC 5424 with microseconds": syslog(
    ["tls", "5516", certificate, key],
    [
      "syslog-address=tcp+tls://127.0.0.1:5516",
      "syslog-format=rfc5424micro",
      `syslog-tls-ca-cert=${certificate}`,
    ],
    counted,
  ),
  "syslog to a unix stream": syslog(["unix", socket], [`syslog-address=unix://${socket}`], lines),
  "syslog to unix datagrams, a tag": syslog(
    ["unixgram", socket],
    [`syslog-address=unixgram://${socket}`, ...chosen],
    text,
  ),
  fluentd: {
    driver: "fluentd",
    listen: ["tcp", "24224"],
    options: chosen,
    decode: forward,
  },
  "fluentd to a unix socket, with sub-seconds and acknowledgements": {
    driver: "fluentd",
    listen: ["unix", socket, "--ack"],
    options: [`fluentd-address=unix://${socket}`, "fluentd-sub-second-precision=true"],
    // Not of dockerd, which now and then sends a line hundreds of times or none when it waits for acknowledgements.
    ourOptions: ["fluentd-request-ack=true"],
    decode: forward,
  },
  "fluentd over tls": {
    driver: "fluentd",
    listen: ["tls", "24225", certificate, key],
    options: ["fluentd-address=tls://127.0.0.1:24225"],
    theirs: { listen: ["tcp", "24225"], options: ["fluentd-address=tcp://127.0.0.1:24225"] }, // 20.10 has it not yet
    decode: forward,
  },
  "fluentd, a line in parts": {
    driver: "fluentd",
    listen: ["tcp", "24224"],
    options: ["fluentd-async=true"],
    prints: "head -c 40000 /dev/zero | tr '\\0' x; echo",
    messages: 3,
    decode: forward,
  },
  "gelf over udp": {
    driver: "gelf",
    listen: ["udp", "12201"],
    options: ["gelf-address=udp://127.0.0.1:12201", ...chosen],
    decode: gelf(gunzipSync),
  },
  "gelf over udp, zlib": {
    driver: "gelf",
    listen: ["udp", "12201"],
    options: ["gelf-address=udp://127.0.0.1:12201", "gelf-compression-type=zlib"],
    decode: gelf(inflateSync),
  },
  "gelf in chunks": {
    driver: "gelf",
    listen: ["udp", "12201"],
    options: ["gelf-address=udp://127.0.0.1:12201", "gelf-compression-type=none"],
    prints: "head -c 6000 /dev/zero | tr '\\0' x; echo",
    messages: 1,
    decode: chunked,
  },
  "gelf over tcp": {
    driver: "gelf",
    listen: ["tcp", "12201"],
    options: ["gelf-address=tcp://127.0.0.1:12201"],
    decode: zeroEnded,
  },
};

/** With everything that two engines may do differently taken out, and in an order that does not depend on scheduling. */
function normalise(messages: readonly unknown[]): readonly string[] {
  return messages
    .map((message) =>
      JSON.stringify(message, (_, value: unknown) =>
        value instanceof Map ? Object.fromEntries([...value].sort()) : value,
      )
        .replaceAll(/"extension":0,"data":\{[^}]*\}/g, "EVENT-TIME")
        .replaceAll(/[0-9a-f]{64}/g, "ID")
        .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6}\b)?[.\d]*(Z|[+-]\d\d:\d\d)/g, (_, micro) =>
          micro ? "MICRO" : "TIME",
        )
        .replaceAll(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/g, "STAMP")
        .replaceAll(/(?<=\[)\d+(?=\]:)|(?<= )\d+(?= \S+ - )/g, "PID")
        .replaceAll(/\b1[78]\d{8}(\.\d+)?\b/g, "SECONDS"),
    )
    .sort();
}

async function deliveredBy(t: TestContext, client: Client, asked: Case): Promise<readonly string[]> {
  const { messages = 3, decode, driver } = asked;
  rmSync(socket, { force: true });
  const listener = startBackground([process.execPath, receiver, ...asked.listen], { netns: ours.netns });
  try {
    await listener.line(/^ready$/m);
    const options = asked.options.flatMap((option) => ["--log-opt", option]);
    const prints = asked.prints ?? "echo 'one <&> \"é'; echo; echo two; echo three >&2";
    const settings = ["--name", "chatty", "--label", "team=blue", "-e", "MODE=fast", "-e", "OTHER=x"];
    const shell = ["busybox", "sh", "-c", prints];
    await client.docker("run", ...settings, "--log-driver", driver, ...options, ...shell);
    const found = (): readonly unknown[] => {
      const pieces = [...listener.output().matchAll(/^(datagram|data \d+) ([0-9a-f]*)$/gm)];
      const streams = Object.values(Object.groupBy(pieces, ([, stream = ""]) => stream));
      const decoded = streams.flatMap((of = []) =>
        decode(of.map(([, , hex = ""]) => Buffer.from(hex, "hex"))),
      );
      if (driver !== "fluentd") return decoded;
      // What was not acknowledged in time is sent once more, as on a busy machine.
      return [...new Map(decoded.map((message) => [inspect(message, { depth: null }), message])).values()];
    };
    // fluentd carries empty lines, too.
    const expected = driver === "fluentd" && asked.prints === undefined ? messages + 1 : messages;
    while (found().length < expected) await delay(20, undefined, { signal: t.signal });
    return normalise(found());
  } finally {
    await listener.end();
    await client.docker("rm", "-f", "chatty");
  }
}

const CHUNK = /"chunk":"[^"]*"/;

for (const [name, asked] of Object.entries(cases))
  test(`what arrives is what dockerd sends: ${name}`, { skip, timeout: 60_000 }, async (t) => {
    const { options, ourOptions = [] } = asked;
    const their = await deliveredBy(t, theirs, { ...asked, ...asked.theirs });
    const our = await deliveredBy(t, ours, { ...asked, options: [...options, ...ourOptions] });
    if (ourOptions.length > 0) assert.ok(our.every((message) => CHUNK.test(message)));
    assert.deepEqual(
      our.map((message) => message.replace(CHUNK, "")),
      their,
    );
  });

test("fluentd over tls to a receiver that nobody on the machine trusts fails the start", {
  skip,
}, async () => {
  const [other, otherKey] = [join(directory, "other.pem"), join(directory, "other.key")];
  await makeCertificate({ certificate: other, key: otherKey, name: "127.0.0.1", extensions });
  const listen = ["tls", "24226", other, otherKey];
  const listener = startBackground([process.execPath, receiver, ...listen], { netns: ours.netns });
  try {
    await listener.line(/^ready$/m);
    const driver = ["--log-driver", "fluentd", "--log-opt", "fluentd-address=tls://127.0.0.1:24226"];
    const refused = await ours.tryDocker(["run", "--rm", ...driver, "busybox", "true"]);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /failed to initialize logging driver: .*certificate/);
  } finally {
    await listener.end();
  }
});
