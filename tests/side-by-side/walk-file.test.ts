import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWalks, splitWords } from "./walk-file.ts";

for (const [line, words] of [
  ["run  --rm busybox", ["run", "--rm", "busybox"]],
  [`sh -c 'echo "a" $b'`, ["sh", "-c", 'echo "a" $b']],
  [String.raw`x "it's \"a\" \\n"`, ["x", String.raw`it's "a" \n`]],
  [`-f '{{.A}} {{.B}}'x ''`, ["-f", "{{.A}} {{.B}}x", ""]],
] as const)
  test(`words of ${line}`, () => assert.deepEqual(splitWords(line), words));

test("walks, their marks, comments, input and patience", () => {
  const text =
    "a comment\n\n== one [alone] [both clients]\n# why\nps -a\n\n== two\nprintf 'x\\n' | exec -i c cat\nuntil up | logs c\n";
  assert.deepEqual(parseWalks(text), [
    { title: "one", alone: true, bothClients: true, steps: [{ line: "ps -a", words: ["ps", "-a"] }] },
    {
      title: "two",
      alone: false,
      bothClients: false,
      steps: [
        { line: "printf 'x\\n' | exec -i c cat", words: ["exec", "-i", "c", "cat"], input: "x\n" },
        { line: "until up | logs c", words: ["logs", "c"], until: "up" },
      ],
    },
  ]);
});
