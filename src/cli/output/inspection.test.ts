import assert from "node:assert/strict";
import { test } from "node:test";
import { indentJson } from "./inspection.ts";

test("JSON is indented as Go does it, its numbers and texts untouched", () => {
  const text = '[{"a":{},"b":[],"c":[1,9223372036854775807],"d":"x:{,}\\" \\u003c","e":{"f":null}}]';
  const wanted = `[
    {
        "a": {},
        "b": [],
        "c": [
            1,
            9223372036854775807
        ],
        "d": "x:{,}\\" \\u003c",
        "e": {
            "f": null
        }
    }
]`;
  assert.equal(indentJson(text), wanted);
});
