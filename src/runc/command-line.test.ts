import assert from "node:assert/strict";
import { test } from "node:test";
import { callerPath } from "./caller.ts";
import { readGlobals, readVerb, UnknownCommand, UsageError } from "./command-line.ts";

const read = (...words: string[]) => {
  const { verb, given, args } = readVerb(words);
  return { verb, given: Object.fromEntries(given), args };
};

for (const [words, given, args] of [
  [["kill", "--all", "x", "9"], { all: ["true"] }, ["x", "9"]],
  [["kill", "x", "9", "-a"], { all: ["true"] }, ["x", "9"]],
  [["delete", "x", "--force=false"], { force: ["false"] }, ["x"]],
  [["exec", "-e", "A=1", "--env", "B=2", "x", "ls", "-t"], { env: ["A=1", "B=2"] }, ["x", "ls", "-t"]],
  [["ps", "-f", "json", "x", "-o", "pid"], { format: ["json"] }, ["x", "-o", "pid"]],
  [["update", "x", "--pids-limit", "+7"], { "pids-limit": ["7"] }, ["x"]],
  [["delete", "--", "--force"], {}, ["--force"]],
] as const)
  test(`${words.join(" ")} is read as runc reads it`, () => {
    assert.deepEqual(read(...words), { verb: words[0], given, args });
  });

for (const [words, message] of [
  [["list", "--bogus"], "flag provided but not defined: -bogus"],
  [["list", "-f"], "flag needs an argument: -f"],
  [["delete", "--force=x", "a"], 'invalid boolean value "x" for -force: parse error'],
  [["events", "--interval", "x", "a"], 'invalid value "x" for flag -interval: parse error'],
  [["pause", "a", "b"], 'gantry-runc: "pause" requires exactly 1 argument(s)'],
  [["ps"], 'gantry-runc: "ps" requires a minimum of 1 argument(s)'],
] as const)
  test(`${words.join(" ")} is refused with its help`, () => {
    assert.throws(
      () => readVerb(words),
      (error) => error instanceof UsageError && error.message === message && error.command?.name === words[0],
    );
  });

test("a word that is no command has no help", () => {
  assert.throws(() => readVerb(["bogus"]), UnknownCommand);
});

test("global flags end at the verb", () => {
  const { given, rest } = readGlobals(["--root=/r", "--debug", "list", "-q"]);
  assert.deepEqual([Object.fromEntries(given), rest], [{ root: ["/r"], debug: ["true"] }, ["list", "-q"]]);
});

test("a path is the caller's own", () => {
  const caller = { pid: 7, cwd: "/work" };
  assert.equal(callerPath(caller, "a/b"), "/work/a/b");
  assert.equal(callerPath(caller, "/dev/stdin"), "/proc/7/fd/0");
  assert.equal(callerPath(caller, "/proc/self/fd/3"), "/proc/7/fd/3");
  assert.equal(callerPath(caller, "/dev/null"), "/dev/null");
});
