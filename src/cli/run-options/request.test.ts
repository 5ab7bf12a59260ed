import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLine } from "../grammar/parse.ts";
import { optionFlags } from "./flags.ts";
import { createRequest } from "./request.ts";

const source = {
  surroundings: { env: { HOME: "/home/me", EMPTY: "" } },
  settings: {},
  endpoint: { text: "unix:///run/x.sock" },
};
const lineOf = (words: readonly string[]) => parseLine({ flags: optionFlags, interspersed: false }, words);
const describe = (...words: readonly string[]) => createRequest(lineOf(words), source, false);

test("an image alone asks for the defaults", () => {
  assert.deepEqual(describe("busybox"), {
    Image: "busybox",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: false,
    StdinOnce: false,
    Tty: false,
    Labels: {},
    HostConfig: {
      NetworkMode: "default",
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      LogConfig: { Type: "", Config: {} },
      PortBindings: {},
      Dns: [],
      DnsOptions: [],
      DnsSearch: [],
      BlkioWeightDevice: [],
      BlkioDeviceReadBps: [],
      BlkioDeviceWriteBps: [],
      BlkioDeviceReadIOps: [],
      BlkioDeviceWriteIOps: [],
      Devices: [],
      Ulimits: [],
    },
    NetworkingConfig: { EndpointsConfig: {} },
  });
});

test("the words after the image are the command, flags or not", () => {
  assert.deepEqual(describe("-i", "busybox", "sh", "-c", "--x").Cmd, ["sh", "-c", "--x"]);
});

test("-i attaches the input once", () => {
  const { AttachStdin, OpenStdin, StdinOnce } = describe("-i", "busybox");
  assert.deepEqual([AttachStdin, OpenStdin, StdinOnce], [true, true, true]);
});

test("-a names the streams", () => {
  const { AttachStdin, AttachStdout, AttachStderr } = describe("-a", "STDERR", "busybox");
  assert.deepEqual([AttachStdin, AttachStdout, AttachStderr], [false, false, true]);
});

test("published ports are exposed, too", () => {
  const { ExposedPorts, HostConfig } = describe(
    "-p",
    "127.0.0.1:8080:80",
    "-p",
    "53:53/udp",
    "--expose",
    "9",
    "x",
  );
  assert.deepEqual(Object.keys(ExposedPorts ?? {}), ["80/tcp", "53/udp", "9/tcp"]);
  assert.deepEqual(HostConfig?.PortBindings, {
    "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
    "53/udp": [{ HostIp: "", HostPort: "53" }],
  });
});

test("a volume with a source is a bind, without one it is anonymous", () => {
  const request = describe("-v", "data:/data:ro", "-v", "/cache", "x");
  assert.deepEqual(request.HostConfig?.Binds, ["data:/data:ro"]);
  assert.deepEqual(request.Volumes, { "/cache": {} });
});

for (const [text, expected] of [
  ["v:/v", "v:/v"],
  ["v:/v:/w", { bind: "v:/v:/w" }],
  ["vv:v:/w:ro", { bind: "vv:v:/w:ro" }],
  ["a:", "a:"],
  [".v:/v", { bind: `${process.cwd()}/.v:/v` }],
  ["", /^invalid empty volume spec$/],
  ["vv::ro", /^invalid spec: vv::ro: empty section between colons$/],
  ["vv:/v:ro:rw", /^invalid spec: vv:\/v:ro:rw: too many colons$/],
] as const)
  test(`-v '${text}' is what Docker takes it for`, () => {
    if (expected instanceof RegExp)
      return assert.throws(() => describe("-v", text, "x"), { message: expected });
    const { HostConfig, Volumes } = describe("-v", text, "x");
    assert.deepEqual(
      [HostConfig?.Binds, Volumes],
      typeof expected === "string" ? [undefined, { [text]: {} }] : [[expected.bind], undefined],
    );
  });

test("variables without a value are ours, or stay as they are", () => {
  assert.deepEqual(describe("-e", "A=1", "-e", "HOME", "-e", "EMPTY", "-e", "NONE", "x").Env, [
    "A=1",
    "HOME=/home/me",
    "EMPTY=",
    "NONE",
  ]);
});

test("limits become numbers of the API's units", () => {
  const { Memory, NanoCpus, PidsLimit, Ulimits } =
    describe("-m", "64m", "--cpus", ".5", "--pids-limit", "9", "--ulimit", "nofile=1:2", "x").HostConfig ??
    {};
  assert.deepEqual({ Memory, NanoCpus, PidsLimit }, { Memory: 67108864, NanoCpus: 500000000, PidsLimit: 9 });
  assert.deepEqual(Ulimits, [{ Name: "nofile", Soft: 1, Hard: 2 }]);
});

test("an empty entrypoint is not the same as none", () => {
  assert.deepEqual(describe("--entrypoint", "", "x").Entrypoint, [""]);
  assert.equal("Entrypoint" in describe("x"), false);
});

test("a mount is read from its comma-separated fields", () => {
  const text = 'type=volume,src=v,"dst=/a,b",ro,volume-opt=o=x,volume-label=k=v';
  assert.deepEqual(describe("--mount", text, "x").HostConfig?.Mounts, [
    {
      Type: "volume",
      Source: "v",
      Target: "/a,b",
      ReadOnly: true,
      VolumeOptions: { DriverConfig: { Options: { o: "x" } }, Labels: { k: "v" } },
    },
  ]);
});

test("a mount's missing source is made if that is asked for", () => {
  for (const [text, expected] of [
    ["bind-create-src", true],
    ["bind-create-src=false", false],
  ] as const) {
    const [mount] = describe("--mount", `type=bind,src=/a,dst=/b,${text}`, "x").HostConfig?.Mounts ?? [];
    assert.equal(mount?.BindOptions?.CreateMountpoint, expected);
  }
});

test("an equals sign in a mount's or a network's option belongs to its value", () => {
  const [mount] =
    describe("--mount", "dst=/a,ro=T,volume-label=k=v=w,volume-opt=o=x=y", "x").HostConfig?.Mounts ?? [];
  assert.deepEqual(mount?.VolumeOptions?.Labels, { k: "v=w" });
  assert.deepEqual(mount?.VolumeOptions?.DriverConfig?.Options, { o: "x=y" });
  assert.equal(mount?.ReadOnly, true);
  const { NetworkingConfig } = describe("--network", "name=n,driver-opt=a=b=c,gw-priority=-1", "x");
  assert.deepEqual(NetworkingConfig?.EndpointsConfig, { n: { DriverOpts: { a: "b=c" }, GwPriority: -1 } });
});

test("--init=false is said: the daemon's default may be true", () => {
  assert.equal(describe("--init=false", "x").HostConfig?.Init, false);
  assert.equal("Init" in (describe("x").HostConfig ?? {}), false);
});

test("the proxies of the user's settings become variables, unless -e gives them", () => {
  const settings = {
    proxies: {
      default: { httpProxy: "http://p:1", noProxy: "a,b" },
      "tcp://far:1": { httpProxy: "http://q" },
    },
  };
  const variables = (host: string, ...words: readonly string[]) =>
    createRequest(lineOf([...words, "x"]), { ...source, settings, endpoint: { text: host } }, false).Env;
  assert.deepEqual(variables("unix:///x", "-e", "http_proxy=own", "-e", "NO_PROXY"), [
    "http_proxy=own",
    "NO_PROXY",
    "HTTP_PROXY=http://p:1",
    "no_proxy=a,b",
  ]);
  assert.deepEqual(variables("tcp://far:1"), ["HTTP_PROXY=http://q", "http_proxy=http://q"]);
});

test("the flags about a network belong to the first network", () => {
  const { NetworkingConfig, HostConfig } = describe(
    "--network",
    "front",
    "--network-alias",
    "w",
    "--ip",
    "10.0.0.2",
    "--network",
    "name=back,alias=b",
    "x",
  );
  assert.equal(HostConfig?.NetworkMode, "front");
  assert.deepEqual(NetworkingConfig?.EndpointsConfig, {
    front: { IPAMConfig: { IPv4Address: "10.0.0.2" }, Aliases: ["w"] },
    back: { Aliases: ["b"] },
  });
});

const IMAGE_MIX =
  'invalid argument "dst=/a,image-subpath=b" for "--mount" flag: ' +
  "cannot mix 'image-*' options with mount type 'volume'";
const refused: readonly (readonly [readonly string[], string])[] = [
  [["-p", "abc", "x"], "invalid containerPort: abc"],
  [["-p", "x:80", "x"], "invalid hostPort: x"],
  [["-p", "300.1.1.1:1:1", "x"], "invalid IP address: 300.1.1.1"],
  [["-p", "80-82:90-91", "x"], "invalid ranges specified for container and host Ports: 90-91 and 80-82"],
  [["--rm", "--restart", "always", "x"], "conflicting options: cannot specify both --restart and --rm"],
  [["--no-healthcheck", "--health-cmd", "a", "x"], "--no-healthcheck conflicts with --health-* options"],
  [["--health-start-period", "-1s", "x"], "--health-start-period cannot be negative"],
  [["--mount", "dst=/a,image-subpath=b", "x"], IMAGE_MIX],
  [
    ["--network", "name=n,gw-priority=x", "x"],
    'invalid gw-priority: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [["--device", "null", "x"], "null is not an absolute path"],
  [
    ["--mount", "type=bind,src=/", "x"],
    'invalid argument "type=bind,src=/" for "--mount" flag: target is required',
  ],
  [["-e", "=x", "x"], 'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x'],
];
for (const [words, message] of refused)
  test(`${words.join(" ")} is refused`, () => assert.throws(() => describe(...words), { message }));
