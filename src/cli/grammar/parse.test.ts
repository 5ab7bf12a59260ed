import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytes,
  cpus,
  duration,
  integer,
  list,
  optionalText,
  text,
  toggle,
  unsupportedFlags,
} from "./flags.ts";
import { parseLine } from "./parse.ts";

const detach = toggle("detach", { short: "d" });
const interactive = toggle("interactive", { short: "i" });
const tty = toggle("tty", { short: "t" });
const sigProxy = toggle("sig-proxy", { shown: "true" });
const user = text("user", { short: "u" });
const env = list("env", { short: "e" });
const entrypoint = optionalText("entrypoint");
const memory = bytes("memory", { short: "m" });
const cpuCount = cpus("cpus");
const pids = integer("pids-limit");
const interval = duration("health-interval");
const flags = [
  detach,
  interactive,
  tty,
  sigProxy,
  user,
  env,
  entrypoint,
  memory,
  cpuCount,
  pids,
  interval,
  ...unsupportedFlags("gpus"),
];

const read = (line: string, interspersed = false) =>
  parseLine({ flags, interspersed }, line === "" ? [] : line.split(" "));

const accepted: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[]])[] = [
  ["-itd busybox sh", { detach: true, interactive: true, tty: true }, ["busybox", "sh"]],
  ["-it -u root busybox", { user: "root", tty: true }, ["busybox"]],
  ["-itu root busybox", { user: "root", interactive: true }, ["busybox"]],
  ["-ituroot busybox", { user: "root" }, ["busybox"]],
  ["-u=root busybox", { user: "root" }, ["busybox"]],
  ["--user=a=b busybox", { user: "a=b" }, ["busybox"]],
  ["--user= busybox", { user: "" }, ["busybox"]],
  ["-e A=1 -e B=2 busybox", { env: ["A=1", "B=2"] }, ["busybox"]],
  ["-d=false busybox", { detach: false }, ["busybox"]],
  ["--detach=true busybox -d", { detach: true }, ["busybox", "-d"]],
  ["--detach false", { detach: true }, ["false"]],
  ["--sig-proxy=0 busybox", { "sig-proxy": false }, ["busybox"]],
  ["busybox", { "sig-proxy": true, entrypoint: undefined, memory: undefined }, ["busybox"]],
  ["--entrypoint= busybox", { entrypoint: "" }, ["busybox"]],
  ["-m 512m --cpus 1.5 busybox", { memory: 536870912, cpus: 1500000000 }, ["busybox"]],
  ["-m -1 busybox", { memory: -1 }, ["busybox"]],
  ["--health-interval 1m30s busybox", { "health-interval": 90e9 }, ["busybox"]],
  ["--pids-limit=-1 busybox", { "pids-limit": -1 }, ["busybox"]],
  ["busybox sh -c -itd --foo", {}, ["busybox", "sh", "-c", "-itd", "--foo"]],
  ["-- -d", { detach: false }, ["-d"]],
  ["-d -- busybox", { detach: true }, ["busybox"]],
  ["-", {}, ["-"]],
];
for (const [line, values, positional] of accepted)
  test(`"${line}" is read as Docker reads it`, () => {
    const parsed = read(line);
    assert.deepEqual(parsed.arguments, positional);
    for (const flag of flags)
      if (flag.name in values) assert.deepEqual(parsed.option<unknown>(flag), values[flag.name], flag.name);
  });

const refused: readonly (readonly [string, string])[] = [
  ["--foo", "unknown flag: --foo"],
  ["--foo=bar", "unknown flag: --foo"],
  ["-Z", "unknown shorthand flag: 'Z' in -Z"],
  ["-itZd", "unknown shorthand flag: 'Z' in -Zd"],
  ["--user", "flag needs an argument: --user"],
  ["-u", "flag needs an argument: 'u' in -u"],
  ["-itu", "flag needs an argument: 'u' in -u"],
  ["---x", "bad flag syntax: ---x"],
  ["--=x", "bad flag syntax: --=x"],
  [
    "-d=foo x",
    'invalid argument "foo" for "-d, --detach" flag: strconv.ParseBool: parsing "foo": invalid syntax',
  ],
  ["-m abc x", `invalid argument "abc" for "-m, --memory" flag: invalid size: 'abc'`],
  ["--cpus foo x", 'invalid argument "foo" for "--cpus" flag: failed to parse foo as a rational number'],
  [
    "--pids-limit x y",
    'invalid argument "x" for "--pids-limit" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  ["--gpus all x", "--gpus is not supported by this version of Gantry"],
];
for (const [line, message] of refused)
  test(`"${line}" is refused in Docker's words`, () => {
    assert.throws(() => read(line), { name: "FlagError", message });
  });

test("flags may follow the arguments of a command that does not pass them through", () => {
  const parsed = read("web -d db", true);
  assert.deepEqual(parsed.arguments, ["web", "db"]);
  assert.equal(parsed.option(detach), true);
});

test("a flag that was given with its default is known to be given", () => {
  assert.equal(read("-d=false x").isGiven(detach), true);
  assert.equal(read("x").isGiven(detach), false);
});
