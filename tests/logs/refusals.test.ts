// Log options that cannot be had: the same real client against gantryd and a real dockerd, the same words and exit codes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Pair, startPair } from "../system/pair.ts";

const skip = process.getuid?.() !== 0 && "needs root";
let pair: Pair;
before(async () => {
  if (!skip) pair = await startPair();
});
after(() => pair?.[Symbol.asyncDispose]());

/** A driver and its options; those of json-file begin with "json-file" too. */
const refused: readonly string[] = [
  "json-file max-size=0",
  "json-file max-size=abc",
  "json-file max-size=1m max-file=x",
  "json-file max-file=0",
  "json-file compress=x",
  "json-file max-size=1m compress=true",
  "json-file env-regex=[",
  "json-file tag={{.Foo}}",
  "json-file tag={{",
  "json-file frob=1",
  "json-file mode=x",
  "json-file max-buffer-size=1m",
  "json-file mode=non-blocking max-buffer-size=x",
  "json-file cache-disabled=x",
  "none x=y",
  "local foo=1",
  "local max-file=1",
  "local max-size=x",
  "syslog",
  "syslog syslog-address=tcp://127.0.0.1:1",
  "syslog syslog-address=unix:///nosuch",
  "syslog syslog-facility=foo",
  "syslog syslog-format=foo",
  "syslog frob=1",
  "fluentd",
  "fluentd fluentd-max-retries=-1",
  "fluentd fluentd-retry-wait=1",
  "fluentd fluentd-async=x",
  "fluentd fluentd-buffer-limit=x",
  "fluentd frob=1",
  "gelf",
  "gelf gelf-address=udp://x",
  "gelf gelf-address=tcp://127.0.0.1:1",
  "gelf gelf-address=tcp://127.0.0.1:1 gelf-compression-type=gzip",
  "gelf gelf-address=udp://127.0.0.1:1 gelf-compression-level=12",
  "gelf gelf-address=udp://127.0.0.1:1 x=12",
  "journald",
  "journald a=b",
  "frob",
];

for (const words of refused)
  test(`as dockerd refuses it: ${words}`, { skip }, async () => {
    const [driver = "", ...options] = words.split(" ");
    const command = ["--log-driver", driver, ...options.flatMap((option) => ["--log-opt", option])];
    const line = ["run", "--rm", ...command, "busybox", "echo", "hi"];
    const our = await pair.ours.tryDocker(line);
    const their = await pair.theirs.tryDocker(line);
    // Added since 20.10, the release that we compare with.
    const stderr = our.stderr.replace("failed to create task for container: ", "");
    assert.deepEqual({ ...our, stderr }, their);
  });

test("what 20.10 reads without complaint works, too", { skip }, async () => {
  for (const client of [pair.ours, pair.theirs]) {
    const options = [
      "max-file=2",
      "tag={{.ID}}",
      "labels-regex=^a",
      "mode=non-blocking",
      "max-buffer-size=2m",
    ];
    const id = await client.docker(
      "create",
      ...options.flatMap((option) => ["--log-opt", option]),
      "busybox",
      "echo",
      "hi",
    );
    await client.docker("start", "-a", id);
    assert.equal(await client.docker("logs", id), "hi");
    await client.docker("rm", id);
    const none = await client.docker("create", "--log-driver", "none", "busybox");
    const { code, stderr } = await client.tryDocker(["logs", none]);
    assert.deepEqual(
      [code, stderr.trim()],
      [1, "Error response from daemon: configured logging driver does not support reading"],
    );
    await client.docker("rm", none);
  }
});
