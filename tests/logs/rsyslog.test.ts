// A real rsyslogd as the receiver of both engines: what it takes a message for, and writes, is the same.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeCertificate } from "../system/certificates.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { type Background, startBackground } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const undo = new AsyncDisposableStack();
let folder = "";
let ours: Engine;
let theirs: Client;

/** Each message in a file named for its program, all of its fields in a line. */
const configuration = (dir: string): string => `
global(workDirectory="${dir}" defaultNetstreamDriverCAFile="${dir}/ca.pem"
  defaultNetstreamDriverCertFile="${dir}/cert.pem" defaultNetstreamDriverKeyFile="${dir}/key.pem")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="5514")
input(type="imptcp" address="127.0.0.1" port="5515")
input(type="imtcp" address="127.0.0.1" port="5516")
input(type="imptcp" path="${dir}/stream")
input(type="imuxsock" socket="${dir}/datagrams" useSysTimeStamp="off")
template(name="file" type="string" string="${dir}/out-%programname%")
template(name="line" type="string"
  string="%pri-text% %timereported:::date-rfc3339% %hostname% %syslogtag% %procid% %msgid% %structured-data% %msg%\\n")
action(type="omfile" dynaFile="file" template="line")
`;

/** A private authority, and what it has signed for the receiver. */
async function makeCertificates(dir: string): Promise<void> {
  const authority = { certificate: join(dir, "ca.pem"), key: join(dir, "ca.key") };
  await makeCertificate({ ...authority, name: "authority" });
  const extensions = ["subjectAltName=IP:127.0.0.1"];
  const own = { certificate: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  await makeCertificate({ ...own, name: "127.0.0.1", extensions, issuer: authority });
}

/** All of its inputs are there. */
async function untilReceiving(receiver: Background): Promise<void> {
  const table = (name: string): string => readFileSync(`/proc/${receiver.pid}/net/${name}`, "latin1");
  const listens = (): boolean =>
    table("udp").includes(":158A ") &&
    [":158B ", ":158C "].every((port) => table("tcp").includes(port)) &&
    ["stream", "datagrams"].every((name) => existsSync(join(folder, name)));
  while (!listens()) await delay(20);
}

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "gantry-rsyslog-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await makeCertificates(folder);
  await writeFile(join(folder, "conf"), configuration(folder));
  ours = undo.use(await startEngine());
  theirs = undo.use(await startPeer({ netns: ours.netns }));
  const command = ["rsyslogd", "-n", "-f", join(folder, "conf"), "-i", join(folder, "pid")];
  const receiver = startBackground(command, { netns: ours.netns });
  undo.defer(() => receiver.end());
  await Promise.all([importBusybox(ours), importBusybox(theirs), untilReceiving(receiver)]);
});
after(() => undo.disposeAsync());

const prints = "echo 'one <&> \"é\" %s'; echo; echo '[two]: 2'; echo three >&2";
const cases: Readonly<Record<string, () => readonly string[]>> = {
  udp: () => ["syslog-address=udp://127.0.0.1:5514"],
  "udp, RFC 3164": () => [
    "syslog-address=udp://127.0.0.1:5514",
    "syslog-format=rfc3164",
    "syslog-facility=local3",
  ],
  "tcp, RFC 5424": () => [
    "syslog-address=tcp://127.0.0.1:5515",
    "syslog-format=rfc5424",
    "syslog-facility=mail",
  ],
  "tls, RFC 5424 with microseconds": () => [
    "syslog-address=tcp+tls://127.0.0.1:5516",
    "syslog-format=rfc5424micro",
    `syslog-tls-ca-cert=${folder}/ca.pem`,
  ],
  "tls, unverified": () => ["syslog-address=tcp+tls://127.0.0.1:5516", "syslog-tls-skip-verify=true"],
  "a unix stream": () => [`syslog-address=unix://${folder}/stream`],
  "unix datagrams": () => [`syslog-address=unixgram://${folder}/datagrams`],
};

async function writtenFor(
  client: Client,
  tag: string,
  options: readonly string[],
): Promise<readonly string[]> {
  const asked = [...options, `tag=${tag}`].flatMap((option) => ["--log-opt", option]);
  await client.docker("run", "--rm", "--log-driver", "syslog", ...asked, "busybox", "sh", "-c", prints);
  const file = join(folder, `out-${tag}`);
  for (;;) {
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
    if (lines.length >= 3)
      return lines
        .map((line) =>
          line
            .replaceAll(tag, "TAG")
            .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[-+Z:\d]*/, (_, micro) =>
              micro ? "MICRO" : "TIME",
            )
            .replace(/TAG\[(\d+)\](:?) \1 /, "TAG[PID]$2 PID "),
        )
        .sort();
    await delay(20);
  }
}

for (const [number, [name, options]] of Object.entries(cases).entries())
  test(`rsyslogd writes what it writes for dockerd: ${name}`, { skip, timeout: 120_000 }, async () => {
    const [our, their] = await Promise.all([
      writtenFor(ours, `ours${number}`, options()),
      writtenFor(theirs, `real${number}`, options()),
    ]);
    assert.deepEqual(our, their);
  });
