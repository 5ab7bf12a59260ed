import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseProxies } from "./proxies.ts";

const noProxy =
  "internal, .dotted.example,*.starred.example,10.1.2.3,10.9.0.0/16,[fd00::1]:5000,ported.example:5000";
const proxyFor = chooseProxies(() => ({
  httpProxy: "proxy:3128",
  httpsProxy: "http://user:pass@secure:8080",
  noProxy,
}));

for (const [url, proxy] of [
  ["http://registry.example/v2/", "http://proxy:3128/"],
  ["https://registry.example/v2/", "http://user:pass@secure:8080/"],
  ["http://internal/", undefined],
  ["http://a.internal/", undefined],
  ["http://notinternal/", "http://proxy:3128/"],
  ["http://a.dotted.example/", undefined],
  ["http://dotted.example/", "http://proxy:3128/"],
  ["http://a.starred.example/", undefined],
  ["http://10.1.2.3:5000/", undefined],
  ["http://10.1.2.4/", "http://proxy:3128/"],
  ["http://10.9.77.1/", undefined],
  ["http://[fd00::1]:5000/", undefined],
  ["http://[fd00::1]:5001/", "http://proxy:3128/"],
  ["http://ported.example:5000/", undefined],
  ["http://ported.example/", "http://proxy:3128/"],
  ["http://127.0.0.1:5000/", undefined],
  ["http://localhost/", undefined],
] as const)
  test(`${url} goes ${proxy === undefined ? "directly" : `through ${proxy}`}`, () => {
    assert.equal(proxyFor(new URL(url))?.href, proxy);
  });

for (const [httpProxy, message] of [
  ["ftp://user:secret@x", 'invalid proxy address "ftp://x"'],
  ["http://", 'invalid proxy address "http://"'],
  ["socks5://127.0.0.1:1080", "proxies by SOCKS are not supported"],
] as const)
  test(`the proxy ${httpProxy} is refused, not passed by`, () => {
    const wrong = chooseProxies(() => ({ httpProxy, httpsProxy: "", noProxy: "" }));
    assert.throws(() => wrong(new URL("http://registry.example/")), { message });
    assert.equal(wrong(new URL("http://127.0.0.1/")), undefined);
  });
