import assert from "node:assert/strict";
import { test } from "node:test";
import { parseToml, TomlError } from "./toml.ts";

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseToml(text)));

test("a hosts file reads as its tables", () => {
  const text = `# the registry itself
server = "https://registry.example" # with a comment

[host."https://mirror.example/prefix"]
  capabilities = ["pull", "resolve",]
  ca = 'certs\\ca.crt'
  client = [["a.cert", "a.key"],
    # and
    ["b.pem"]]
  skip_verify = true
  dial = 1_000
  [host."https://mirror.example/prefix".header]
    x-token = ["a\\u0041\\n", """b
c"""]
[host."http://other.example"]
point = { x = 1, y.z = "2" }
`;
  assert.deepEqual(plain(text), {
    server: "https://registry.example",
    host: {
      "https://mirror.example/prefix": {
        capabilities: ["pull", "resolve"],
        ca: "certs\\ca.crt",
        client: [["a.cert", "a.key"], ["b.pem"]],
        skip_verify: true,
        dial: 1000,
        header: { "x-token": ["aA\n", "b\nc"] },
      },
      "http://other.example": { point: { x: 1, y: { z: "2" } } },
    },
  });
});

for (const [what, text, message] of [
  ["a key twice", "a = 1\na = 2", 'line 2: key "a" is there already'],
  ["a table twice", "[a]\n[a]", "line 2: the table is there already"],
  ["a table of a value", "a = 1\n[a.b]", 'line 2: "a" is not a table'],
  ["a string without end", 'a = "b\n', "line 1: the string has no end"],
  ["two values", "a = 1 2", "line 1: expected the end of the line"],
  ["a date", "a = 2020-01-01", "line 1: expected a string, an integer, a boolean, an array or a table"],
  ["an array of tables", "[[a]]", "line 1: arrays of tables are not supported"],
  ["no key", "= 1", "line 1: expected a key"],
  ["an unknown escape", 'a = "\\x"', "line 1: unknown escape"],
] as const)
  test(`${what} is refused with its line`, () => {
    assert.throws(
      () => parseToml(text),
      (error) => error instanceof TomlError && error.message === message,
    );
  });

test("a key of the prototype is a key like others", () => {
  assert.deepEqual(Object.entries(parseToml("__proto__ = 1")), [["__proto__", 1]]);
});
