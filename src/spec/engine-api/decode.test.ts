import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBody } from "./decode.ts";

test("unknown fields are left out and field names match in any case", () => {
  const body = { image: "busybox", HOSTCONFIG: { binds: ["/a:/b"], Surprise: 1 }, Surprise: {} };
  assert.deepEqual(decodeBody("ContainerCreateRequest", body), {
    Image: "busybox",
    HostConfig: { Binds: ["/a:/b"] },
  });
});

test("null is the zero value", () => {
  assert.deepEqual(decodeBody("ContainerCreateRequest", { Cmd: null, Env: ["A=1", null] }), {
    Env: ["A=1", ""],
  });
  assert.deepEqual(decodeBody("NetworkCreateRequest", null), { Name: "" });
});

test("a command may be one string", () => {
  assert.deepEqual(decodeBody("ContainerCreateRequest", { Cmd: "ls" }), { Cmd: ["ls"] });
});

for (const [what, body, message] of [
  [
    "a string for a number",
    { HostConfig: { Memory: "1g" } },
    "string into Go struct field HostConfig.HostConfig.Memory of type int64",
  ],
  [
    "a number for a string",
    { Hostname: 5 },
    "number into Go struct field CreateRequest.Hostname of type string",
  ],
  [
    "a fraction for an integer",
    { HostConfig: { CpuShares: 1.5 } },
    "number 1.5 into Go struct field HostConfig.HostConfig.CpuShares of type int",
  ],
  ["an object for a list", { Env: {} }, "object into Go struct field CreateRequest.Env of type []string"],
  ["a list for the body", [], "array into Go value of type CreateRequest"],
] as const) {
  test(`${what} is refused in Go's words`, () => {
    assert.throws(() => decodeBody("ContainerCreateRequest", body), {
      kind: "invalid",
      message: `invalid JSON: json: cannot unmarshal ${message}`,
    });
  });
}
