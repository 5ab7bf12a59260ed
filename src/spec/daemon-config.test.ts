import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDaemonSettings, flagValue } from "./daemon-config.ts";
import { parseDaemonFlags } from "./daemon-flags.ts";
import type { DaemonSettings } from "./daemon-settings.ts";

const read = (args: readonly string[], config?: unknown): DaemonSettings =>
  decodeDaemonSettings(
    parseDaemonFlags(args),
    config === undefined
      ? undefined
      : { path: "/d.json", text: typeof config === "string" ? config : JSON.stringify(config) },
  );
const inFile = (message: string): string =>
  `unable to configure the Docker daemon with file /d.json: ${message}`;

test("without flags and file everything lies under Gantry's own folders", () => {
  const settings = read([]);
  assert.equal(settings.dataRoot, "/var/lib/gantry");
  assert.deepEqual(settings.hosts, ["unix:///run/gantry/docker.sock"]);
  assert.equal(settings.pidfile, "/run/gantry/gantryd.pid");
  assert.equal(settings.shutdownTimeout, 15);
});

test("flags are read in every spelling of pflag", () => {
  const settings = read([
    "-DH",
    "tcp://127.0.0.1:1",
    "--host=unix:///a",
    "-l=warn",
    "-p/x.pid",
    "--label",
    "a=b,c=d",
  ]);
  assert.equal(settings.debug, true);
  assert.deepEqual(settings.hosts, ["tcp://127.0.0.1:1", "unix:///a"]);
  assert.equal(settings.logLevel, "warn");
  assert.equal(settings.pidfile, "/x.pid");
  assert.deepEqual(settings.labels, ["a=b", "c=d"]);
  assert.equal(flagValue(parseDaemonFlags(["-v"]), "version"), "true");
});

test("the file gives what the flags do not", () => {
  const settings = read(["--debug"], {
    "data-root": "/d",
    "exec-root": "/e",
    "insecure-registries": ["r:5000"],
    "log-opts": { "max-size": "1m" },
    mtu: 1400,
  });
  assert.equal(settings.debug, true);
  assert.equal(settings.dataRoot, "/d");
  assert.deepEqual(settings.hosts, ["unix:///e/docker.sock"]);
  assert.deepEqual(settings.insecureRegistries, ["r:5000"]);
  assert.deepEqual(settings.containers.logOptions, { "max-size": "1m" });
  assert.equal(settings.mtu, 1400);
});

test("what the rules and forwarding are to be", () => {
  const settings = read(["--iptables=false", "--ip-forward-no-drop", "--allow-direct-routing"], {
    ip6tables: false,
    "ip-forward": false,
  });
  const { iptables, ip6tables, ipForward, ipForwardNoDrop, allowDirectRouting } = settings;
  assert.deepEqual(
    [iptables, ip6tables, ipForward, ipForwardNoDrop, allowDirectRouting],
    [false, false, false, true, true],
  );
  const plain = read([]);
  assert.deepEqual([plain.iptables, plain.ip6tables, plain.ipForward], [true, true, true]);
  assert.deepEqual([plain.ipForwardNoDrop, plain.allowDirectRouting], [false, false]);
});

test("default options of networks, by driver", () => {
  const flags = ["bridge=a=1", "macvlan=parent=eth0", "bridge=b=x=y"].flatMap((text) => [
    "--default-network-opt",
    text,
  ]);
  const wanted = { bridge: { a: "1", b: "x=y" }, macvlan: { parent: "eth0" } };
  assert.deepEqual(read(flags).networkOptions, wanted);
  assert.deepEqual(read([], { "default-network-opts": wanted }).networkOptions, wanted);
  assert.deepEqual(read([]).networkOptions, {});
});

test("an empty file is no settings", () => {
  assert.equal(read([], "\n").mtu, 1500);
});

for (const [what, args, config, message] of [
  ["an unknown flag", ["--colour"], undefined, "unknown flag: --colour"],
  ["an unknown short flag", ["-Dx"], undefined, "unknown shorthand flag: 'x' in -x"],
  ["a flag without its value", ["--host"], undefined, "flag needs an argument: --host"],
  ["an argument", ["run"], undefined, "unknown command: gantryd run"],
  [
    "a number that is none",
    ["--mtu", "x"],
    undefined,
    'invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    "a truth that is none",
    ["--debug=maybe"],
    undefined,
    'invalid argument "maybe" for "-D, --debug" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    "a key that nobody knows",
    [],
    { colour: 1 },
    inFile("the following directives don't match any configuration option: colour"),
  ],
  [
    "the same in flag and file",
    ["-H", "unix:///a"],
    { hosts: ["unix:///b"] },
    inFile(
      "the following directives are specified both as a flag and in the configuration file: hosts: (from flag: [unix:///a], from file: [unix:///b])",
    ),
  ],
  [
    "a wrong type in the file",
    [],
    { debug: "yes" },
    inFile("invalid JSON: json: cannot unmarshal string into Go struct field Config.debug of type bool"),
  ],
  ["a broken file", [], "{", inFile("invalid JSON: unexpected EOF")],
  [
    "a flag that Gantry does not have",
    ["--userland-proxy-path", "/x"],
    undefined,
    "--userland-proxy-path is not supported by this version of Gantry",
  ],
  [
    "a key that Gantry does not have",
    [],
    { "bridge-accept-fwmark": "1" },
    inFile(
      'merged configuration validation from file and command line flags failed: the configuration key "bridge-accept-fwmark" is not supported by this version of Gantry',
    ),
  ],
  [
    "a pool without a size that is a number",
    ["--default-address-pool", "base=10.0.0.0/8,size=x"],
    undefined,
    'invalid argument "base=10.0.0.0/8,size=x" for "--default-address-pool" flag: invalid size value: "base=10.0.0.0/8,size=x" (must be integer): strconv.Atoi: parsing "x": invalid syntax',
  ],
  [
    "an option of networks without a value",
    ["--default-network-opt", "bridge=mtu"],
    undefined,
    'invalid argument "bridge=mtu" for "--default-network-opt" flag: must be driver=option=value: bridge=mtu',
  ],
  [
    "options of networks that are no text",
    [],
    { "default-network-opts": { bridge: { mtu: 1400 } } },
    inFile(
      "invalid JSON: json: cannot unmarshal object into Go struct field Config.default-network-opts of type map[string]map[string]string",
    ),
  ],
  [
    "a pool with a field too many",
    ["--default-address-pool", "base=10.0.0.0/8,mask=24"],
    undefined,
    `invalid argument "base=10.0.0.0/8,mask=24" for "--default-address-pool" flag: unexpected key 'mask' in 'mask=24'`,
  ],
  [
    "a pool that is no subnet",
    ["--default-address-pool", "base=10.0.0.0,size=24"],
    undefined,
    `invalid base prefix "10.0.0.0": netip.ParsePrefix("10.0.0.0"): no '/'`,
  ],
  [
    "a subnet of the wrong family",
    ["--fixed-cidr-v6", "10.0.0.0/24"],
    undefined,
    "parse --fixed-cidr-v6 failed: invalid CIDR address: 10.0.0.0/24",
  ],
  ["a log level that is none", ["-l", "loud"], undefined, "invalid logging level: loud"],
  [
    "bip and bridge at once",
    ["--bip", "10.0.0.1/24", "-b", "br0"],
    undefined,
    "You specified -b & --bip, mutually exclusive options. Please specify only one.",
  ],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => read(args, config), { kind: "invalid", message });
  });
}

test("address pools come from flags and from the file", () => {
  const pools = [
    { base: "10.0.0.0/8", size: 24 },
    { base: "fd00:1::/48", size: 64 },
  ];
  const flags = pools.flatMap(({ base, size }) => ["--default-address-pool", `base=${base},size=${size}`]);
  assert.deepEqual(read(flags, undefined).addressPools, pools);
  assert.deepEqual(read([], { "default-address-pools": pools }).addressPools, pools);
});

test("the default bridge is as dockerd's unless it is told otherwise", () => {
  const { defaultBridge } = read(["--ipv6", "--fixed-cidr-v6", "fd00:2::/64", "--icc=false"], undefined);
  assert.equal(defaultBridge.ipv6, true);
  assert.equal(defaultBridge.fixedCidr6, "fd00:2::/64");
  assert.equal(defaultBridge.icc, false);
  assert.equal(defaultBridge.masquerade, true);
});

test("an unsupported option may be given with the value that holds anyway", () => {
  read(["--storage-driver", "overlay2"], {
    iptables: true,
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "log-driver": "json-file",
    features: {},
  });
});
