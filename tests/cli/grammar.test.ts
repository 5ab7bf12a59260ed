// Every command and flag of Docker's client is ours with the same names, type and default, or refused by name; and docs/cli.md
// says so truly.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gantry } from "./command-line.ts";
import { commandStates } from "./grammar-states.ts";
import { readTestedLines } from "./tested-lines.ts";

const states = await commandStates();
const root = join(import.meta.dirname, "../..");

for (const { paths, missing, flags, state } of states) {
  const title = `docker ${paths[0]}`.trim();
  if (state === "refused") {
    for (const path of paths)
      test(`docker ${path} is refused by name`, async () => {
        const { code, stderr } = await gantry(path.split(" "));
        assert.equal(code, 1);
        const [, name = ""] = /^gantry (.*) is not supported by this version of Gantry\n$/.exec(stderr) ?? [];
        assert.ok(name !== "" && `${path} `.startsWith(`${name} `), stderr);
      });
    continue;
  }
  test(`${title} has all its spellings and flags`, () => {
    assert.deepEqual(missing, []);
    assert.deepEqual(
      flags.flatMap(({ flag, differences }) => differences.map((difference) => `${flag}: ${difference}`)),
      [],
    );
  });
  for (const { flag } of flags.filter((one) => one.state === "refused"))
    test(`${title} ${flag} is refused by name`, async () => {
      const { code, stderr } = await gantry([...(paths[0] ?? "").split(" "), flag]);
      assert.equal(code, 125);
      assert.equal(stderr.split("\n")[0], `${flag} is not supported by this version of Gantry`);
    });
}

interface Documented {
  readonly command: string;
  readonly flag: string;
  readonly state: string;
  readonly test: string;
}

function readDocument(text: string): readonly Documented[] {
  const rows: Documented[] = [];
  let command = "";
  for (const line of text.split("\n")) {
    const [, title] = /^## (?:gantry$|`([^`]+)`)/.exec(line) ?? [];
    if (line.startsWith("## ")) command = title ?? "";
    const [, named] = /^Test: (\S+)$/.exec(line) ?? [];
    if (named !== undefined) rows.push({ command, flag: "", state: "works", test: named });
    const [, flag, state = "", typed = ""] =
      /^\| (?:`-\w`, )?`(--[\w-]+)` \| [^|]* \| (\w+) \| (\S*) ?\|$/.exec(line) ?? [];
    if (flag !== undefined) rows.push({ command, flag, state, test: typed });
  }
  return rows;
}

const documented = readDocument(readFileSync(join(root, "docs/cli.md"), "utf8"));
const AGAIN = "make docs/cli.md again: node tools/gen-cli-docs.ts";

test("docs/cli.md has every flag with its state, and no other", () => {
  const wanted = states.flatMap(({ paths, flags }) =>
    flags.map(({ flag, state }) => `${paths[0]} ${flag} ${state}`),
  );
  const found = documented
    .filter(({ flag }) => flag !== "")
    .map(({ command, flag, state }) => `${command} ${flag} ${state}`);
  assert.deepEqual(found, wanted, AGAIN);
});

test("docs/cli.md names every refused command", () => {
  const text = readFileSync(join(root, "docs/cli.md"), "utf8");
  const names = states.filter(({ state }) => state === "refused").flatMap(({ paths }) => paths);
  assert.deepEqual(
    names.filter((name) => !text.includes(`\`${name}\``)),
    [],
    AGAIN,
  );
});

test("every test that docs/cli.md names types the command and flag", async () => {
  const { files } = await readTestedLines();
  const wrong = documented
    .filter(({ test: name }) => name !== "")
    .map((row) => ({
      ...row,
      path: row.test.endsWith(".walk") ? `tests/${row.test}` : `tests/${row.test}.test.ts`,
    }))
    .filter(({ command, flag, path }) => {
      const key = flag === "" ? command : `${command} ${flag}`;
      return !existsSync(join(root, path)) || !files.get(key)?.includes(path);
    });
  assert.deepEqual(wrong, [], AGAIN);
});
