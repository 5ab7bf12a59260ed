import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilters, readerOf } from "./filters.ts";

const image = readerOf(
  { name: "docker.io/library/busybox:latest", "target.digest": "sha256:aa" },
  { "com.example/tier": "web", plain: "x y" },
);

const matching: readonly (readonly string[])[] = [
  [],
  [""],
  ["name"],
  ["name==docker.io/library/busybox:latest"],
  ['name=="docker.io/library/busybox:latest"'],
  ["name!=alpine"],
  ["name~=busybox"],
  ["name~=/^docker\\.io\\//"],
  ["name~=|library/|"],
  ["target.digest==sha256:aa"],
  ['labels."com.example/tier"==web'],
  ["labels.plain"],
  ['labels.plain=="x y"'],
  ["name==other", "labels.plain"],
  ["name~=busybox,target.digest~=^sha256"],
];
for (const filters of matching)
  test(`matches ${JSON.stringify(filters)}`, () => assert.equal(parseFilters(filters)(image), true));

const failing = [
  ["name==alpine"],
  ["labels.absent"],
  ["labels.absent==web"],
  ["name~=busybox,labels.absent"],
  ["size"],
];
for (const filters of failing)
  test(`does not match ${JSON.stringify(filters)}`, () => assert.equal(parseFilters(filters)(image), false));

for (const text of ["name==", "==x", "name=x", "name~=/(/", "name==a b", "labels."])
  test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseFilters([text]), /parse error/));

const refusals: readonly (readonly [text: string, message: string])[] = [
  ["bad,,filter", "[bad, >|,|< filter]: expected field or quoted"],
  ["bad,", "[bad,]: expected field or quoted"],
  ["==", "[ >|=|< =]: expected field or quoted"],
  ["bad bad", '[bad  >|b|< ad]: expected an operator ("=="|"!="|"~=")'],
  ["a=b", '[a >|=|< b]: unsupported operator "="'],
  ["labels.containerd.io/gc.root", "[labels.containerd.io >|/|< gc.root]: quoted literal not terminated"],
  ["name==", "[name==]: expected value or quoted"],
  ["name==a b", "[name==a >| |< b]: unexpected input:  "],
];
for (const [text, message] of refusals)
  test(`${JSON.stringify(text)} is refused in containerd's words`, () =>
    assert.throws(() => parseFilters([text]), {
      message: `filters: parse error: ${message}: invalid argument`,
    }));
