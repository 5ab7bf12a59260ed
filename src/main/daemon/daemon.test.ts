import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseHost, showAddress } from "./addresses.ts";
import { readSettings } from "./command-line.ts";
import { openLog } from "./log.ts";
import { claimPidfile } from "./pidfile.ts";

test("a host address is a unix socket or a TCP port", () => {
  assert.deepEqual(parseHost("unix:///run/x.sock", { gid: 5 }), {
    kind: "unix",
    path: "/run/x.sock",
    mode: 0o660,
    gid: 5,
  });
  assert.deepEqual(parseHost("tcp://:80", {}), { kind: "tcp", host: "127.0.0.1", port: 80 });
  assert.deepEqual(parseHost("tcp://[::1]:80", {}), { kind: "tcp", host: "::1", port: 80 });
  assert.equal(showAddress({ kind: "tcp", host: "::1", port: 80 }), "[::1]:80");
});

for (const host of ["/run/x.sock", "unix://x", "tcp://a:b", "tcp://a:99999", "http://a"]) {
  test(`${host} is no host address`, () => {
    assert.throws(() => parseHost(host, {}), { message: `Invalid bind address format: ${host}` });
  });
}

test("the environment's oldest API version is that of a file which names none", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-settings-"));
  process.env.DOCKER_MIN_API_VERSION = "1.44";
  t.after(() => {
    delete process.env.DOCKER_MIN_API_VERSION;
    rmSync(folder, { recursive: true });
  });
  const oldest = (config: object): string => {
    writeFileSync(join(folder, "daemon.json"), JSON.stringify(config));
    return readSettings(["--config-file", join(folder, "daemon.json")]).settings.minApiVersion;
  };
  assert.deepEqual([oldest({}), oldest({ "min-api-version": "1.30" })], ["1.44", "1.30"]);
});

test("the log leaves out what is below its level", () => {
  const lines: string[] = [];
  const log = openLog({
    write: (line) => lines.push(line),
    level: "WARN",
    now: () => new Date(0),
    format: "text",
  });
  log.debug("quiet");
  log.info("quiet");
  log.warn('said "it"');
  log.setDebug(true);
  log.debug("loud");
  log.setDebug(false);
  log.debug("quiet");
  assert.deepEqual(lines, [
    'time="1970-01-01T00:00:00.000Z" level=warning msg="said \\"it\\""\n',
    'time="1970-01-01T00:00:00.000Z" level=debug msg="loud"\n',
  ]);
});

test("the log is JSON when that is asked for", () => {
  const lines: string[] = [];
  const log = openLog({
    write: (line) => lines.push(line),
    level: "info",
    now: () => new Date(0),
    format: "json",
  });
  log.info('said "it"');
  assert.deepEqual(JSON.parse(lines.join("")), {
    level: "info",
    msg: 'said "it"',
    time: "1970-01-01T00:00:00.000Z",
  });
});

test("a pid file of a dead process is taken over, one of a living process is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-pid-"));
  const path = join(folder, "pid");
  writeFileSync(path, "4194305"); // above the largest pid there is
  {
    using _claimed = claimPidfile(path, 4194306);
    assert.equal(readFileSync(path, "utf8"), "4194306");
  }
  assert.equal(existsSync(path), false);
  writeFileSync(path, String(process.pid));
  assert.throws(() => claimPidfile(path, 4194306), { message: /process with PID \d+ is still running/ });
  rmSync(folder, { recursive: true });
});
