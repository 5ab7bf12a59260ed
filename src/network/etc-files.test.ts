import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHosts, mergeLines, parseExtraHost } from "./etc-files.ts";

const settings = { hostname: "foo", domainname: "", addresses: ["172.17.0.2"], extra: [], hasIpv6: true };

test("hosts holds local names, extra hosts, then the container itself, as dockerd writes it", () => {
  const file = formatHosts({
    ...settings,
    domainname: "bar.baz",
    addresses: ["172.17.0.2", "172.18.0.2", "fd00::2"],
    extra: [
      ...parseExtraHost("x:1.2.3.4", []),
      ...parseExtraHost("host.docker.internal:host-gateway", ["172.17.0.1", "fd00::1"]),
    ],
  });
  assert.equal(
    file,
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n" +
      "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n1.2.3.4\tx\n172.17.0.1\thost.docker.internal\n" +
      "fd00::1\thost.docker.internal\n172.17.0.2\tfoo.bar.baz foo\n172.18.0.2\tfoo.bar.baz foo\nfd00::2\tfoo.bar.baz foo\n",
  );
});

test("without IPv6 inside no line of it is written", () => {
  const extra = parseExtraHost("six:fd00::9", []);
  assert.equal(
    formatHosts({ ...settings, extra, hasIpv6: false }),
    "127.0.0.1\tlocalhost\n172.17.0.2\tfoo\n",
  );
});

test("an extra host may have an IPv6 address, in brackets or without", () => {
  const six = [{ names: "six", address: "fd00::1" }];
  assert.deepEqual(parseExtraHost("six:fd00::1", []), six);
  assert.deepEqual(parseExtraHost("six:[fd00::1]", []), six);
});

test("what somebody has added to a file stays when a network comes or goes", () => {
  const made = "127.0.0.1\tlocalhost\n172.17.0.2\tfoo\n";
  const next = "127.0.0.1\tlocalhost\n172.18.0.5\tfoo\n";
  assert.equal(mergeLines(made, made, next), next);
  assert.equal(
    mergeLines(made, "10.0.0.9\tmine\n127.0.0.1\tlocalhost\n172.17.0.2\tfoo", next),
    "10.0.0.9\tmine\n127.0.0.1\tlocalhost\n172.18.0.5\tfoo\n",
  );
  assert.equal(mergeLines(made, "10.0.0.9\tmine\n", next), "10.0.0.9\tmine\n172.18.0.5\tfoo\n");
});
