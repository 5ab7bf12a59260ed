import assert from "node:assert/strict";
import { closeSync, mkdtempSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { extraAttributes, logTag } from "./attributes.ts";
import type { LogInfo } from "./driver.ts";
import { mergeLogOptions, validateLogOptions } from "./drivers.ts";
import { readCacheOptions, readJsonFileOptions, readLocalOptions } from "./file-options.ts";
import { journaldDriver } from "./journald.ts";

const info = (options: LogInfo["options"]): LogInfo => ({
  options,
  containerId: "0123456789abcdef".repeat(4),
  containerName: "web",
  command: ["sh", "-c", "true"],
  imageId: `sha256:${"fedcba9876543210".repeat(4)}`,
  imageName: "busybox",
  created: "2026-01-01T00:00:00Z",
  env: ["XY=3", "Z=4", "BARE"],
  labels: { a: "1", b: "2" },
  hostname: "box",
});

for (const [driver, options, message] of [
  ["json-file", { foo: "1" }, "unknown log opt 'foo' for json-file log driver"],
  ["local", { foo: "1" }, "unknown log opt 'foo' for log driver local"],
  ["gelf", { "gelf-address": "udp://h:1", x: "1" }, 'unknown log opt "x" for gelf log driver'],
  ["gelf", {}, "gelf-address is a required parameter"],
  ["gelf", { "gelf-address": "udp://h" }, "gelf: please provide gelf-address as proto://host:port"],
  ["gelf", { "gelf-address": "http://h:1" }, "gelf: endpoint needs to be TCP or UDP"],
  [
    "gelf",
    { "gelf-address": "tcp://h:1", "gelf-compression-type": "gzip" },
    "compression is only supported on UDP",
  ],
  [
    "gelf",
    { "gelf-address": "udp://h:1", "gelf-compression-level": "12" },
    'unknown value "12" for log opt "gelf-compression-level" for gelf log driver',
  ],
  [
    "gelf",
    { "gelf-address": "udp://h:1", "gelf-tcp-max-reconnect": "1" },
    '"gelf-tcp-max-reconnect" is only valid for TCP',
  ],
  ["syslog", { "syslog-address": "localhost:514" }, "unsupported scheme: 'localhost'"],
  [
    "syslog",
    { "syslog-address": "127.0.0.1:514" },
    'parse "127.0.0.1:514": first path segment in URL cannot contain colon',
  ],
  ["syslog", { "syslog-address": "unix:///nosuch" }, "stat /nosuch: no such file or directory"],
  ["syslog", { "syslog-facility": "24" }, "invalid syslog facility"],
  ["syslog", { "syslog-format": "x" }, "Invalid syslog format"],
  [
    "fluentd",
    { "fluentd-address": "http://x" },
    "invalid fluentd-address (http://x): unsupported scheme: 'http'",
  ],
  [
    "fluentd",
    { "fluentd-address": "tcp://x/p" },
    "invalid fluentd-address (tcp://x/p): should not contain a path element",
  ],
  ["fluentd", { "fluentd-retry-wait": "1" }, 'time: missing unit in duration "1"'],
  ["fluentd", { "fluentd-async": "x" }, 'strconv.ParseBool: parsing "x": invalid syntax'],
  ["fluentd", { "fluentd-max-retries": "-1" }, 'strconv.ParseUint: parsing "-1": invalid syntax'],
  ["fluentd", { "fluentd-buffer-limit": "x" }, "invalid size: 'x'"],
  ["journald", { a: "b" }, "unknown log opt 'a' for journald log driver"],
  ["awslogs", {}, "--log-driver awslogs is not supported by this version of Gantry"],
  ["frob", {}, 'error looking up logging plugin frob: plugin "frob" not found'],
  ["local", { mode: "x" }, "logger: logging mode not supported: x"],
  [
    "local",
    { mode: "non-blocking", "max-buffer-size": "x" },
    "error parsing option max-buffer-size: invalid size: 'x'",
  ],
  ["local", { "cache-disabled": "x" }, "invalid value for option cache-disabled: x"],
] as const)
  test(`refused in Docker's words: ${driver} ${JSON.stringify(options)}`, () => {
    assert.throws(() => validateLogOptions(driver, options), { message });
  });

test("rotation is five files of 20 MB unless something else is asked for", () => {
  assert.deepEqual(readJsonFileOptions({}), { maxSize: 20e6, maxFiles: 5, compress: false });
  assert.deepEqual(readJsonFileOptions({ "max-size": "10k" }), {
    maxSize: 10e3,
    maxFiles: 1,
    compress: false,
  });
  assert.deepEqual(readJsonFileOptions({ "max-file": "2", compress: "t" }), {
    maxSize: 20e6,
    maxFiles: 2,
    compress: true,
  });
  assert.equal(readJsonFileOptions({ "max-size": "-1" }).maxSize, 0);
  assert.deepEqual(readLocalOptions({}), { maxSize: 20e6, maxFiles: 5, compress: true });
  const cache = { "cache-max-size": "1m", "cache-max-file": "2", "cache-compress": "0", "max-size": "9m" };
  assert.deepEqual(readCacheOptions(cache), { maxSize: 1e6, maxFiles: 2, compress: false });
});

for (const [options, message] of [
  [{ "max-size": "0" }, "max-size must be a positive number"],
  [{ "max-size": "abc" }, "invalid size: 'abc'"],
  [{ "max-file": "x" }, 'strconv.Atoi: parsing "x": invalid syntax'],
  [{ "max-file": "0" }, "max-file cannot be less than 1"],
  [{ compress: "x" }, 'strconv.ParseBool: parsing "x": invalid syntax'],
  [
    { "max-size": "1m", compress: "true" },
    "compress cannot be true when max-file is less than 2 or max-size is not set",
  ],
] as const)
  test(`a start with ${JSON.stringify(options)} fails as with Docker`, () => {
    assert.throws(() => readJsonFileOptions(options), { message });
  });

test("labels, variables and a tag are chosen by the options", () => {
  assert.deepEqual(extraAttributes(info({ labels: "a,c", "env-regex": "^X" })), { a: "1", XY: "3" });
  assert.deepEqual(
    extraAttributes(info({ env: "Z,BARE", "labels-regex": "b" }), (name) => `_${name}`),
    {
      _b: "2",
      _Z: "4",
    },
  );
  assert.throws(() => extraAttributes(info({ "env-regex": "[" })), {
    message: "error parsing regexp: missing closing ]: `[`",
  });
  const fields = "{{.ID}} {{.Name}} {{.ImageID}} {{.ImageName}} {{.DaemonName}} {{.Command}} {{.Hostname}}";
  assert.equal(
    logTag(info({ tag: fields }), ""),
    "0123456789ab web fedcba987654 busybox docker sh -c true box",
  );
  assert.equal(logTag(info({ env: "XY", tag: "{{(.ExtraAttributes nil).XY}}" }), ""), "3");
  assert.equal(logTag(info({}), "{{.ID}}"), "0123456789ab");
  assert.throws(() => logTag(info({ tag: "{{.Foo}}" }), ""), {
    message: `template: log-tag:1:2: executing "log-tag" at <.Foo>: can't evaluate field Foo in type *logger.Info`,
  });
  assert.throws(() => logTag(info({ tag: "{{" }), ""), { message: "template: log-tag:1: unclosed action" });
});

test("the daemon's options go to its own driver, those of the cache to all", () => {
  const daemon = { driver: "local", options: { "max-size": "1m", "cache-max-file": "2" } };
  assert.deepEqual(mergeLogOptions({ driver: "", options: { "max-size": "2m" } }, daemon), {
    driver: "local",
    options: { "max-size": "2m", "cache-max-file": "2" },
  });
  assert.deepEqual(mergeLogOptions({ driver: "syslog", options: {} }, daemon), {
    driver: "syslog",
    options: { "cache-max-file": "2" },
  });
  assert.deepEqual(mergeLogOptions({ driver: "none", options: {} }, daemon), { driver: "none", options: {} });
});

/** Node has no datagram sockets of this kind; these two calls make one. */
async function listenOn(path: string): Promise<number> {
  const ffi = await import("node:ffi");
  using library = ffi.dlopen(null, {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
  });
  const fd = library.functions.socket(1, 2, 0);
  const name = Buffer.alloc(110);
  name.writeUInt16LE(1, 0);
  name.write(path, 2);
  assert.equal(library.functions.bind(fd, name, 2 + path.length + 1), 0);
  return fd;
}

test("the journal gets one datagram for each message, with Docker's fields", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-journal-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "socket");
  const driver = journaldDriver(path);
  await assert.rejects(driver.open(info({}), t.signal), { message: "journald is not enabled on this host" });
  const fd = await listenOn(path);
  t.after(() => closeSync(fd));
  await using sink = await driver.open(info({ labels: "a", tag: "{{.Name}}" }), t.signal);
  const time = 1_767_225_600_500_000_000n;
  const partial = { id: "p", ordinal: 1, last: false };
  await sink.send(
    [
      { text: "hello", stream: "stdout", time },
      { text: "two\nlines", stream: "stderr", time, partial },
    ],
    t.signal,
  );
  const buffer = Buffer.alloc(4096);
  const received = (): string =>
    buffer.toString("latin1", 0, readSync(fd, buffer)).replace(/[0-9a-f]{64}\nA/, "E\nA");
  const common =
    "CONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n" +
    "CONTAINER_NAME=web\nCONTAINER_TAG=web\nIMAGE_NAME=busybox\nSYSLOG_IDENTIFIER=web\nCONTAINER_LOG_EPOCH=E\nA=1\n" +
    "SYSLOG_TIMESTAMP=2026-01-01T00:00:00.5Z\n";
  assert.equal(received(), `PRIORITY=6\nMESSAGE=hello\n${common}CONTAINER_LOG_ORDINAL=1\n`);
  assert.equal(
    received(),
    `PRIORITY=3\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n${common}CONTAINER_LOG_ORDINAL=2\n` +
      "CONTAINER_PARTIAL_ID=p\nCONTAINER_PARTIAL_ORDINAL=1\nCONTAINER_PARTIAL_LAST=false\nCONTAINER_PARTIAL_MESSAGE=true\n",
  );
});
