import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHosts, formatResolvConf, parseExtraHost } from "./etc-files.ts";

const nothing = { servers: [], search: [], options: [] };

test("hosts holds local names, extra hosts, then the container itself, as dockerd writes it", () => {
  const file = formatHosts({
    hostname: "foo",
    domainname: "bar.baz",
    addresses: ["172.17.0.2"],
    extra: [parseExtraHost("x:1.2.3.4", ""), parseExtraHost("gate:host-gateway", "172.17.0.1")],
  });
  assert.equal(
    file,
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n" +
      "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n1.2.3.4\tx\n172.17.0.1\tgate\n172.17.0.2\tfoo.bar.baz foo\n",
  );
});

test("an extra host may have an IPv6 address", () => {
  assert.deepEqual(parseExtraHost("six:fd00::1", ""), { names: "six", address: "fd00::1" });
});

test("the host's resolv.conf is taken as it is when all of it can be reached", () => {
  const host = "# mine\nnameserver 10.255.255.53\n";
  assert.equal(formatResolvConf(host, nothing, true), host);
});

test("loopback servers of the host are left out, and public ones stand in for them", () => {
  const host = "search a.b\nnameserver 127.0.0.53\noptions edns0\n";
  assert.equal(
    formatResolvConf(host, nothing, true),
    "search a.b\nnameserver 8.8.8.8\nnameserver 8.8.4.4\noptions edns0\n",
  );
  assert.equal(formatResolvConf(host, nothing, false), host);
});

test("what the user asks for replaces the host's, line by line", () => {
  const host = "search a.b\nnameserver 10.0.0.1\noptions edns0\n";
  assert.equal(
    formatResolvConf(host, { servers: ["1.1.1.1"], search: ["c.d", "e.f"], options: ["ndots:2"] }, true),
    "search c.d e.f\nnameserver 1.1.1.1\noptions ndots:2\n",
  );
  assert.equal(
    formatResolvConf(host, { ...nothing, search: ["."] }, true),
    "nameserver 10.0.0.1\noptions edns0\n",
  );
});
