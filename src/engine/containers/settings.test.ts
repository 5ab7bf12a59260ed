// Small parsers of a container's settings.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeContainerConfig, decodeHostConfig } from "#spec/container-config.ts";
import { decodeCreateRequest } from "./create-request.ts";
import { execEnv, replaceEnv } from "./environment.ts";
import { findThermalPaths, readHardLimits } from "./host-facts.ts";
import { validateLogConfig } from "./log-config.ts";
import { mergeImageConfig } from "./merge-image-config.ts";
import { chooseName, parseContainerName } from "./names.ts";
import { patience } from "./patience.ts";
import { planPorts } from "./ports.ts";
import { confinementOf, parseSecurityOptions, securityWarnings } from "./security-opt.ts";
import { parseSignal } from "./signals.ts";

const config = (value: object) => decodeContainerConfig(value, "");
const commandOf = (own: object, image: object) => {
  const { Entrypoint, Cmd } = mergeImageConfig(config(own), image);
  return { Entrypoint, Cmd };
};

for (const [name, own, image, expected] of [
  [
    "the image's entrypoint and command",
    {},
    { Entrypoint: ["e"], Cmd: ["c"] },
    { Entrypoint: ["e"], Cmd: ["c"] },
  ],
  [
    "a command for the image's entrypoint",
    { Cmd: ["x"] },
    { Entrypoint: ["e"], Cmd: ["c"] },
    { Entrypoint: ["e"], Cmd: ["x"] },
  ],
  [
    "an entrypoint drops the image's command",
    { Entrypoint: ["x"] },
    { Entrypoint: ["e"], Cmd: ["c"] },
    { Entrypoint: ["x"], Cmd: null },
  ],
  [
    "an empty entrypoint drops the image's",
    { Entrypoint: [""], Cmd: ["x"] },
    { Entrypoint: ["e"] },
    { Entrypoint: null, Cmd: ["x"] },
  ],
] as const)
  test(`merging: ${name}`, () => {
    assert.deepEqual(commandOf(own, image), expected);
  });

test("merging: variables and labels of the user win", () => {
  const merged = mergeImageConfig(config({ Env: ["A=2", "C=3"], Labels: { x: "2" }, Cmd: ["c"] }), {
    Env: ["A=1", "B=1"],
    Labels: { x: "1", y: "1" },
    Volumes: { "/v": {} },
  });
  assert.deepEqual(merged.Env, ["A=2", "C=3", "B=1"]);
  assert.deepEqual(merged.Labels, { x: "2", y: "1" });
  assert.deepEqual(merged.Volumes, { "/v": {} });
});

test("a container without any command is refused", () => {
  assert.throws(() => mergeImageConfig(config({}), {}), { message: "no command specified" });
});

test("patience of any length is a wait, not an end", () => {
  for (const milliseconds of [-1, 2 ** 31, 1e15, 1e9 + 0.5])
    assert.equal(patience(milliseconds).aborted, false);
});

test("a variable without a value removes", () => {
  assert.deepEqual(replaceEnv(["A=1", "B=2"], ["A", "B=3"]), ["B=3"]);
  const env = execEnv(
    { Hostname: "h", Tty: true, Env: ["PATH=/p"] },
    { tty: false, links: [], env: ["X=1"] },
    "/root",
  );
  assert.deepEqual(env, ["PATH=/p", "HOSTNAME=h", "X=1", "HOME=/root"]);
});

test("-P publishes what is exposed and not bound", () => {
  const ports = planPorts(
    config({ ExposedPorts: { "80/tcp": {}, "90-91/udp": {} } }),
    decodeHostConfig(
      { PublishAllPorts: true, PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080-8090" }] } },
      "",
    ),
  );
  assert.deepEqual(ports, [
    { proto: "tcp", containerPort: 80, hostIp: "127.0.0.1", hostPort: 8080, hostPortEnd: 8090 },
    { proto: "udp", containerPort: 90, hostIp: "", hostPort: 0 },
    { proto: "udp", containerPort: 91, hostIp: "", hostPort: 0 },
  ]);
});

test("a range of bindings is one mapping; where any port of the host will do there is one for each", () => {
  const bindings = (first: string) => ({
    PortBindings: Object.fromEntries(
      [0, 1, 2].map((at) => [
        `${90 + at}/udp`,
        [{ HostIp: "", HostPort: first && String(Number(first) + at) }],
      ]),
    ),
  });
  const plan = (first: string) => planPorts(config({}), decodeHostConfig(bindings(first), ""));
  const one = { proto: "udp", hostIp: "" };
  assert.deepEqual(plan("190"), [{ ...one, containerPort: 90, containerPortEnd: 92, hostPort: 190 }]);
  assert.deepEqual(
    plan(""),
    [90, 91, 92].map((containerPort) => ({ ...one, containerPort, hostPort: 0 })),
  );
});

test("log options are checked", () => {
  assert.throws(() => validateLogConfig({ Type: "json-file", Config: { foo: "1" } }), {
    message: "unknown log opt 'foo' for json-file log driver",
  });
  assert.throws(() => validateLogConfig({ Type: "frob", Config: {} }), {
    message: 'error looking up logging plugin frob: plugin "frob" not found',
  });
  for (const [option, value, message] of [
    ["mode", "x", "logger: logging mode not supported: x"],
    ["max-buffer-size", "1m", "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  ] as const)
    assert.throws(() => validateLogConfig({ Type: "json-file", Config: { [option]: value } }), { message });
});

test("signals have names, numbers and real-time offsets", () => {
  assert.deepEqual(["SIGTERM", "int", "9", "RTMIN+3", "SIGRTMAX-1"].map(parseSignal), [15, 2, 9, 37, 63]);
  for (const bad of ["FOO", "0", "RTMIN+99"])
    assert.throws(() => parseSignal(bad), { message: `Invalid signal: ${bad}` });
});

test("security options are read in both spellings", () => {
  assert.deepEqual(parseSecurityOptions(["no-new-privileges", "seccomp=unconfined"]), {
    noNewPrivileges: true,
    writableCgroups: undefined,
    seccomp: "unconfined",
    apparmor: "",
    labels: [],
  });
  assert.deepEqual(parseSecurityOptions(["no-new-privileges:false", "label=disable"]), {
    noNewPrivileges: false,
    writableCgroups: undefined,
    seccomp: "builtin",
    apparmor: "",
    labels: [],
  });
  assert.equal(parseSecurityOptions(["writable-cgroups=false"]).writableCgroups, false);
  const host = { securityModules: new Set(["apparmor"] as const) };
  assert.deepEqual(confinementOf(["apparmor=mine"], host), {
    noNewPrivileges: false,
    apparmorProfile: "mine",
  });
  assert.deepEqual(confinementOf(["apparmor:unconfined"], host), { noNewPrivileges: false });
  assert.throws(() => parseSecurityOptions(["foo"]), { message: 'invalid --security-opt 1: "foo"' });
  assert.throws(() => parseSecurityOptions(["foo=1"]), { message: 'invalid --security-opt 2: "foo=1"' });
});

test("what this machine has no module for is warned of, what ours cannot drive is refused", () => {
  const options = ["apparmor=mine", "label=type:foo_t"];
  assert.deepEqual(confinementOf(options, {}), { noNewPrivileges: false });
  assert.equal(securityWarnings(options, {}).length, 2);
  const host = { securityModules: new Set(["selinux"] as const) };
  assert.throws(() => confinementOf(options, host), /label=type:foo_t is not supported/);
});

test("a chosen name is free and allowed", () => {
  const taken = new Set<string>();
  for (let index = 0; index < 100; index++)
    taken.add(parseContainerName(chooseName((name) => taken.has(name), "f".repeat(64))));
  assert.equal(taken.size, 100);
  assert.equal(
    chooseName(() => true, "f".repeat(64)),
    "f".repeat(12),
  );
});

test("hard limits are read by the ulimits' names", () => {
  const text =
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max cpu time              unlimited            unlimited            seconds   \n" +
    "Max open files            1024                 524288               files     \n";
  assert.deepEqual([...readHardLimits(text)], [["nofile", 524_288]]);
});

test("the thermal paths are those that the host's processors have", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-cpu-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "possible"), "0-2,9\n");
  const present = ["cpu1", "cpu9", "cpu10"].map((cpu) => join(directory, cpu, "thermal_throttle"));
  for (const path of present) mkdirSync(path, { recursive: true });
  assert.deepEqual(findThermalPaths(directory), present.slice(0, 2));
});

test("read-only options of newer API versions are no part of older ones", () => {
  const create = (BindOptions: object, minor: number) => {
    const Mounts = [{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions }];
    const body = { Image: "x", HostConfig: { Mounts } };
    return decodeCreateRequest(body, { name: "", platform: "" }, minor).hostConfig.Mounts?.[0]?.BindOptions;
  };
  assert.deepEqual(create({ ReadOnlyNonRecursive: true, CreateMountpoint: true }, 43), {
    CreateMountpoint: true,
  });
  assert.deepEqual(create({ ReadOnlyNonRecursive: true }, 44), { ReadOnlyNonRecursive: true });
  assert.throws(() => create({ ReadOnlyForceRecursive: true }, 43), { kind: "invalid" });
});
