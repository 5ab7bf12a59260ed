import assert from "node:assert/strict";
import { test } from "node:test";
import { ellipsis, formatPorts, quote, shortId } from "./texts.ts";

test("ports under their own number are shown as ranges, others one by one at the end", () => {
  const ports = [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 91, PublicPort: 91, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 90, PublicPort: 90, Type: "tcp" },
    { IP: "::", PrivatePort: 90, PublicPort: 90, Type: "tcp" },
    { PrivatePort: 5, Type: "udp" },
  ];
  const wanted = "5/udp, 0.0.0.0:90-91->90-91/tcp, [::]:90->90/tcp, 0.0.0.0:8080->80/tcp";
  assert.equal(formatPorts(ports), wanted);
});

test("a text is cut to its width with an ellipsis", () => {
  assert.equal(ellipsis("sh -c 'echo something'", 10), "sh -c 'ec…");
  assert.equal(ellipsis("short", 10), "short");
});

test("commands are quoted as Go quotes", () => {
  assert.equal(quote('a "b"\n\x01'), '"a \\"b\\"\\n\\x01"');
});

test("an id is shown by its first twelve digits, without the digest's name", () => {
  assert.equal(shortId("sha256:0123456789abcdef"), "0123456789ab");
});
