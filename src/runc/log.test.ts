import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonLine, textLine } from "./log.ts";

const time = new Date("2026-11-21T08:00:00.123Z");

test("the lines are those that logrus writes", () => {
  const entry = { level: "error", message: 'no <name> for "x"', time } as const;
  assert.equal(
    jsonLine(entry),
    '{"level":"error","msg":"no \\u003cname\\u003e for \\"x\\"","time":"2026-11-21T08:00:00Z"}\n',
  );
  assert.equal(textLine(entry), 'time="2026-11-21T08:00:00Z" level=error msg="no <name> for \\"x\\""\n');
  assert.equal(
    textLine({ ...entry, message: "plain/word" }),
    'time="2026-11-21T08:00:00Z" level=error msg=plain/word\n',
  );
  assert.equal(
    textLine({ ...entry, message: "bell \u0007, escape \u001b" }),
    'time="2026-11-21T08:00:00Z" level=error msg="bell \\a, escape \\x1b"\n',
  );
});
