import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "./challenge.ts";

for (const [header, expected] of [
  [
    'Bearer realm="https://auth.test/token",service="reg.test",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        realm: "https://auth.test/token",
        service: "reg.test",
        scope: "repository:a/b:pull,push",
      },
    ],
  ],
  ['Basic realm="basic-realm"', [{ scheme: "basic", realm: "basic-realm" }]],
  ["basic realm=plain", [{ scheme: "basic", realm: "plain" }]],
  ['Basic realm="a \\"quoted\\" one"', [{ scheme: "basic", realm: 'a "quoted" one' }]],
  [
    'Negotiate, Bearer realm="https://t/", service=x , Basic realm="y"',
    [
      { scheme: "bearer", realm: "https://t/", service: "x", scope: "" },
      { scheme: "basic", realm: "y" },
    ],
  ],
  ["", []],
  ["!!!", []],
  ["Digest realm=x", []],
] as const) {
  test(`reads ${header === "" ? "nothing" : header}`, () => {
    assert.deepEqual(parseChallenges(header), expected);
  });
}
