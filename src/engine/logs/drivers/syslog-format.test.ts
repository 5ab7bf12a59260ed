import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSyslog } from "./syslog-format.ts";

const time = new Date(2026, 0, 2, 3, 4, 5).getTime() + 6.789;
const message = { priority: 30, time, hostname: "box", tag: "web", pid: 7, text: "hello" };
const offset = (): string => {
  const west = new Date(time).getTimezoneOffset();
  const two = (value: number): string => String(value).padStart(2, "0");
  if (west === 0) return "Z";
  return `${west > 0 ? "-" : "+"}${two(Math.floor(Math.abs(west) / 60))}:${two(Math.abs(west) % 60)}`;
};

for (const [format, expected] of [
  ["", "<30>Jan  2 03:04:05 web[7]: hello\n"],
  ["rfc3164", "<30>Jan  2 03:04:05 box web[7]: hello\n"],
  ["rfc5424", `<30>1 2026-01-02T03:04:05${offset()} box web 7 web - hello\n`],
  ["rfc5424micro", `<30>1 2026-01-02T03:04:05.006789${offset()} box web 7 web - hello\n`],
] as const)
  test(`a syslog message in the format ${JSON.stringify(format)}`, () => {
    assert.equal(formatSyslog(format, message), expected);
  });
