import assert from "node:assert/strict";
import { test } from "node:test";
import { redirected } from "./http-transport.ts";

const headers = { Accept: "a", Authorization: "Basic eA==" };
const get = { method: "GET", url: new URL("https://one.example/v2/"), headers } as const;
const post = { ...get, method: "POST", body: "refresh_token=secret" } as const;

test("a redirect to another host takes no credentials along", () => {
  const to = new URL("https://two.example/blob");
  assert.deepEqual(redirected(get, to).headers, { Accept: "a" });
  assert.throws(() => redirected(post, to), /refused to send credentials on to two.example/);
});

test("a redirect within the host keeps the request", () => {
  const to = new URL("https://one.example/other");
  assert.deepEqual(redirected(post, to), { ...post, url: to });
});

test("a redirect never leaves TLS, nor HTTP", () => {
  assert.throws(() => redirected(get, new URL("http://one.example/")), /from https to http/);
  assert.throws(() => redirected(get, new URL("file:///etc/shadow")), /unsupported protocol scheme "file"/);
});
