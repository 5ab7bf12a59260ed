// gantry-runc beside the real runc on one bundle: what each verb prints, up to ids, times, versions and the program's name.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { endResidents } from "./runc-bundle.ts";

const peerVersion = /^runc version (\S+)/.exec(
  spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout ?? "",
)?.[1];
const skip =
  process.getuid?.() === 0 && peerVersion?.startsWith("1.1.") === true ? false : "needs root and runc 1.1";
const programs = { ours: join(import.meta.dirname, "../../bin/gantry-runc"), theirs: "runc" } as const;

/** Our residents here are none of anybody else. */
const sockets = mkdtempSync(join(tmpdir(), "gantry-pair-"));
process.env.GANTRY_RUNC_SOCKETS = sockets;
after(async () => {
  await endResidents(sockets);
  await rm(sockets, { recursive: true });
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Pair extends AsyncDisposable {
  readonly path: string;
  /** The same words for both; ID is the container's id. */
  run(words: readonly string[], options?: RunOptions): { readonly ours: Result; readonly theirs: Result };
  /** As `run`; fails unless both say the same. */
  same(words: readonly string[], options?: RunOptions): Result;
}

interface RunOptions {
  readonly input?: string;
  readonly detached?: boolean;
}

async function makePair(...args: readonly string[]): Promise<Pair> {
  const path = mkdtempSync(join(tmpdir(), "gantry-pair-"));
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  assert.equal(spawnSync("runc", ["spec"], { cwd: path }).status, 0);
  const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  const both = { ours: `${basename(path)}-a`, theirs: `${basename(path)}-b` };
  const write = (id: string) => {
    config.process.terminal = false;
    config.process.args = args;
    config.linux.cgroupsPath = `/${id}`;
    writeFileSync(join(path, "config.json"), JSON.stringify(config));
  };
  const runOne = (side: "ours" | "theirs", words: readonly string[], options: RunOptions = {}): Result => {
    write(both[side]);
    const asked = words.map((word) => word.replaceAll("ID", both[side]));
    const { input = "", detached = false } = options;
    const result = spawnSync(programs[side], ["--root", join(path, side), ...asked], {
      cwd: path,
      encoding: "utf8",
      timeout: 120_000,
      ...(detached ? { stdio: "ignore" as const } : { input }),
    });
    const plain = (text: string | null): string => normalize(text ?? "", both[side]);
    return { code: result.status, stdout: plain(result.stdout), stderr: plain(result.stderr) };
  };
  const run: Pair["run"] = (words, options) => ({
    ours: runOne("ours", words, options),
    theirs: runOne("theirs", words, options),
  });
  return {
    path,
    run,
    same: (words, options) => {
      const { ours, theirs } = run(words, options);
      assert.deepEqual(ours, theirs, words.join(" "));
      return ours;
    },
    [Symbol.asyncDispose]: async () => {
      run(["delete", "--force", "ID"]);
      await rm(path, { recursive: true, force: true });
    },
  };
}

const normalize = (text: string, id: string): string =>
  text
    .replaceAll(id, "ID")
    .replaceAll("gantry-runc", "runc")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?Z */g, "TIME ")
    .replaceAll(/CREATED +OWNER/g, "CREATED OWNER");

/** Numbers that differ from run to run. */
const withoutPids = (text: string): string => text.replaceAll(/\b\d{2,}\b/g, "N").replaceAll(/ +/g, " ");

test("a container's life reads the same", { skip }, async () => {
  await using pair = await makePair("sleep", "1000");
  assert.equal(pair.same(["create", "ID"], { detached: true }).code, 0);
  const about = (words: readonly string[]) => {
    const { ours, theirs } = pair.run(words);
    assert.equal(withoutPids(ours.stdout), withoutPids(theirs.stdout), words.join(" "));
    assert.deepEqual([ours.code, ours.stderr], [theirs.code, theirs.stderr], words.join(" "));
  };
  about(["state", "ID"]);
  pair.same(["start", "ID"]);
  about(["list"]);
  about(["list", "--format", "json"]);
  pair.same(["list", "-q"]);
  about(["ps", "ID", "-o", "pid,args"]);
  about(["ps", "--format", "json", "ID"]);
  pair.same(["start", "ID"]);
  pair.same(["pause", "ID"]);
  about(["list"]);
  pair.same(["pause", "ID"]);
  pair.same(["exec", "ID", "true"]);
  pair.same(["delete", "ID"]);
  pair.same(["resume", "ID"]);
  pair.same(["resume", "ID"]);
  pair.same(["delete", "ID"]);
  pair.same(["delete", "-f", "ID"]);
  about(["list"]);
  pair.same(["list", "-f", "json"]);
});

test("update has the same effect and refuses the same", { skip }, async () => {
  await using pair = await makePair("sleep", "1000");
  assert.equal(pair.same(["run", "-d", "ID"], { detached: true }).code, 0);
  const limits = () => {
    const { ours, theirs } = pair.run(["events", "--stats", "ID"]);
    const read = ({ stdout }: Result) => {
      const { data } = JSON.parse(stdout);
      return [data.memory.usage.limit, data.memory.swap.limit, data.pids.limit, data.cpuset.cpus];
    };
    assert.deepEqual(read(ours), read(theirs));
    return read(ours);
  };
  const words = "--memory 64m --memory-swap 128m --pids-limit 20 --cpu-share 77 --cpuset-cpus 0".split(" ");
  assert.equal(pair.same(["update", ...words, "ID"]).code, 0);
  assert.deepEqual(limits(), [64 << 20, 128 << 20, 20, [0]]);
  const document = '{"memory":{"limit":33554432},"cpu":{"quota":50000,"period":100000},"pids":{"limit":-1}}';
  assert.equal(pair.same(["update", "-r", "-", "ID"], { input: document }).code, 0);
  assert.deepEqual(limits(), [32 << 20, 128 << 20, undefined, [0]]);
  assert.equal(pair.same(["update", "ID"]).code, 0);
  for (const refused of [
    ["--memory", "x"],
    ["--cpu-share", "x"],
    ["--cpu-quota", "x"],
    ["--l3-cache-schema", "L3:0=f"],
    ["--mem-bw-schema", "MB:0=1"],
    ["--resources", "/nowhere"],
  ])
    assert.equal(pair.same(["update", ...refused, "ID"]).code, 1);
});

test("usage has the same fields", { skip }, async () => {
  await using pair = await makePair("sleep", "1000");
  assert.equal(pair.same(["run", "-d", "ID"], { detached: true }).code, 0);
  const { ours, theirs } = pair.run(["events", "--stats", "ID"]);
  assert.deepEqual(fieldsOf(JSON.parse(ours.stdout)), fieldsOf(JSON.parse(theirs.stdout)));
});

/** Names in their order; usage that may be zero by chance is left out where it is zero. */
const chance = /^(ioServ|ioQueue|ioWait|ioMerged|ioTime|sectors|periods|throttled|usage$|max$|cache$)/;
function fieldsOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return typeof value;
  return Object.entries(value)
    .filter(([name, field]) => !chance.test(name) || typeof field === "object")
    .filter(([name]) => !/Recursive$/.test(name))
    .map(([name, field]) => [name, fieldsOf(field)]);
}

for (const words of [
  ["state", "nobody"],
  ["pause", "nobody"],
  ["update", "nobody"],
  ["delete", "nobody"],
  ["delete", "nobody", "--force"],
  ["events", "--interval", "0s", "nobody"],
  ["exec", "nobody", "true"],
  ["kill", "nobody"],
  ["ps", "nobody"],
  ["list", "-f", "other"],
  ["bogus"],
  ["help", "bogus"],
  ["--log-format", "other", "list"],
])
  test(`${words.join(" ")} is answered the same`, { skip }, () => {
    const [ours, theirs] = [programs.ours, programs.theirs].map((program) => {
      const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
      return { status, stdout: normalize(stdout, "nobody"), stderr: normalize(stderr, "nobody") };
    });
    assert.deepEqual(ours, theirs);
  });

test("an error in a log file has the same two forms", { skip }, () => {
  const path = mkdtempSync(join(tmpdir(), "gantry-pair-"));
  try {
    for (const format of ["json", "text"]) {
      const [ours, theirs] = [programs.ours, programs.theirs].map((program) => {
        const log = join(path, `${basename(program)}.${format}`);
        const words = ["--log", log, "--log-format", format, "state", "nobody"];
        const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
        return { status, stderr, log: normalize(readFileSync(log, "utf8"), "nobody") };
      });
      assert.deepEqual(ours, theirs);
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

for (const words of [[], ["--rootless"]])
  test(`spec ${words.join(" ")} writes the same bytes but the versions`, { skip }, () => {
    const path = mkdtempSync(join(tmpdir(), "gantry-pair-"));
    try {
      const [ours, theirs] = [programs.ours, programs.theirs].map((program) => {
        const folder = join(path, basename(program));
        mkdirSync(folder);
        assert.equal(spawnSync(program, ["spec", "--bundle", folder, ...words]).status, 0);
        return readFileSync(join(folder, "config.json"), "utf8")
          .replace(/"ociVersion": "[^"]*"/, '"ociVersion": ""')
          .replace("gantry-runc", "runc");
      });
      assert.equal(ours, theirs);
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });

/** "--bundle value, -b value" and the like, in their order: what is said of them is our own. */
const flagNames = (help: string): readonly string[] =>
  help.split("\n").flatMap((line) => /^ {3}(--.*?)(?: {2,}|$)/.exec(line)?.[1] ?? []);

const later = ["--pidfd-socket value", "--cpu-burst value", "--cpu-idle value"];

for (const verb of "checkpoint create delete events exec kill list pause ps restore resume run spec start state update features".split(
  " ",
))
  test(`${verb} --help has runc's flags and usage`, { skip }, () => {
    const [ours = "", theirs = ""] = [programs.ours, programs.theirs].map(
      (program) => spawnSync(program, [verb, "--help"], { encoding: "utf8" }).stdout,
    );
    const plain = ours.replaceAll("gantry-runc", "runc");
    const usage = (text: string) => /USAGE:\n(.*)\n/.exec(text)?.[1];
    assert.equal(usage(plain), usage(theirs));
    assert.deepEqual(
      flagNames(plain).filter((name) => !later.includes(name)),
      flagNames(theirs),
    );
  });

test("features is the same document with what differs named", { skip }, () => {
  const [ours, theirs] = [programs.ours, programs.theirs].map((program) =>
    JSON.parse(spawnSync(program, ["features"], { encoding: "utf8" }).stdout),
  );
  const missing = (here: readonly string[], there: readonly string[]) =>
    there.filter((name) => !here.includes(name));
  for (const field of ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations"])
    assert.ok(field in ours, field);
  assert.deepEqual(ours.linux.capabilities, theirs.linux.capabilities);
  assert.deepEqual(missing(ours.linux.namespaces, theirs.linux.namespaces), []);
  assert.deepEqual(ours.linux.seccomp.operators, theirs.linux.seccomp.operators);
  assert.deepEqual(missing(ours.linux.seccomp.actions, theirs.linux.seccomp.actions), []);
});
