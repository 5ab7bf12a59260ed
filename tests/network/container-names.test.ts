// Names as containers of a daemon find each other by them, with the real client.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Engine, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startBackground } from "../system/process.ts";

const asRoot = { skip: process.getuid?.() === 0 ? (hasBridge ? false : "needs nf_tables") : "needs root" };

async function prepare(engine: Engine): Promise<void> {
  await importBusybox(engine);
  await engine.docker("network", "create", "net1");
}

const sleeper = (engine: Engine, ...options: readonly string[]): Promise<string> =>
  engine.docker("run", "-d", ...options, "busybox", "sleep", "9999");

/** What a container is told of a name: its addresses, or what the resolver says instead. */
async function find(engine: Engine, container: string, name: string): Promise<string> {
  const { stdout } = await engine.tryDocker(["exec", container, "nslookup", "-type=a", name]);
  const answer = stdout.split("\n\n").slice(1).join("\n");
  const addresses = [...answer.matchAll(/^Address: (\S+)/gm)].map(([, address = ""]) => address);
  return addresses.length > 0 ? addresses.sort().join(" ") : (/(\w+)\s*$/.exec(answer.trim())?.[1] ?? "");
}

const readConf = (engine: Engine, container: string): Promise<string> =>
  engine.docker("exec", container, "sed", "/^#/d;/^$/d", "/etc/resolv.conf");

test(
  "a container that joins a network finds and is found, also after the daemon was killed, and no more when it has left",
  asRoot,
  async () => {
    await using engine = await startEngine();
    await prepare(engine);
    await sleeper(
      engine,
      "--name",
      "web",
      "--network",
      "net1",
      "--network-alias",
      "app",
      "--hostname",
      "webhost",
    );
    await sleeper(engine, "--name", "plain");
    assert.doesNotMatch(await readConf(engine, "plain"), /127\.0\.0\.11/);
    await engine.docker("exec", "plain", "sh", "-c", "echo '10.9.9.9 mine' >> /etc/hosts");
    await engine.docker("network", "connect", "--alias", "app", "--link", "web:db", "net1", "plain");
    assert.equal(await readConf(engine, "plain"), "nameserver 127.0.0.11\noptions ndots:0");
    assert.match(
      await engine.docker("exec", "plain", "cat", "/etc/hosts"),
      /10\.9\.9\.9 mine\n172\.18\.0\.3\t\w+$/,
    );
    const id = await engine.docker("inspect", "-f", "{{.Id}}", "web");
    const look = async (): Promise<void> => {
      for (const name of ["web", "WEB.net1", "webhost", id.slice(0, 12), "db"])
        assert.equal(await find(engine, "plain", name), "172.18.0.2", name);
      assert.equal(await find(engine, "web", "app"), "172.18.0.2 172.18.0.3");
      assert.equal(await find(engine, "web", "db"), "SERVFAIL", "a link is the container's own");
    };
    await look();
    await engine.kill();
    await engine.restart();
    await look();

    await engine.docker("network", "disconnect", "net1", "plain");
    assert.equal(await find(engine, "web", "plain"), "SERVFAIL");
    assert.doesNotMatch(await readConf(engine, "plain"), /127\.0\.0\.11/);
    const hosts = await engine.docker("exec", "plain", "cat", "/etc/hosts");
    assert.match(hosts, /10\.9\.9\.9 mine$/);
  },
);

test("an edited resolv.conf is kept over restarts", asRoot, async () => {
  await using engine = await startEngine();
  await prepare(engine);
  await sleeper(engine, "--name", "web", "--network", "net1");
  await engine.docker("exec", "web", "sh", "-c", "echo 'nameserver 192.0.2.1' > /etc/resolv.conf");
  await engine.docker("restart", "-t", "0", "web");
  assert.equal(await readConf(engine, "web"), "nameserver 192.0.2.1");
});

test("settings of the daemon and of the container meet in resolv.conf and hosts", asRoot, async () => {
  const config = { dns: ["192.0.2.53"], "dns-search": ["a.example"], "dns-opts": ["attempts:1"] };
  await using engine = await startEngine({ config });
  await prepare(engine);
  const cat = (...options: readonly string[]): Promise<string> =>
    engine.docker("run", "--rm", ...options, "busybox", "cat", "/etc/resolv.conf");
  const conf = (text: string): string => text.replaceAll(/^# (G|T|h|Based).*\n/gm, "").trim();
  assert.equal(
    conf(await cat()),
    "nameserver 192.0.2.53\nsearch a.example\noptions attempts:1\n\n# Overrides: [nameservers search options]",
  );
  assert.match(
    await cat("--network", "net1"),
    /\nnameserver 127\.0\.0\.11\n[\s\S]*\n# ExtServers: \[192\.0\.2\.53\]\n/,
  );
  assert.match(await cat("--network", "net1", "--dns", "192.0.2.9"), /# ExtServers: \[192\.0\.2\.9\]/);
  const hosts = await engine.docker(
    ...["run", "--rm", "--add-host", "host.docker.internal:host-gateway", "--network", "net1"],
    ...["busybox", "grep", "internal", "/etc/hosts"],
  );
  assert.equal(hosts, "172.17.0.1\thost.docker.internal");
});

test("no question leaves a container that is on internal networks only", asRoot, async () => {
  await using engine = await startEngine({ config: { dns: ["172.17.0.1"] } });
  await prepare(engine);
  const program = join(import.meta.dirname, "name-server.ts");
  const server = startBackground([process.execPath, program, "172.17.0.1"], { netns: engine.netns });
  await using _stop = { [Symbol.asyncDispose]: () => server.end() };
  await server.line(/ready/);
  await engine.docker("network", "create", "--internal", "inside");
  await sleeper(engine, "--name", "shut", "--network", "inside");
  assert.equal(await find(engine, "shut", "secret.example"), "SERVFAIL");
  assert.equal(await find(engine, "shut", "shut"), await addressOf(engine, "shut"));
  await engine.docker("network", "connect", "net1", "shut");
  assert.equal(await find(engine, "shut", "open.example"), "192.0.2.1");
  await engine.docker("network", "disconnect", "net1", "shut");
  assert.equal(await find(engine, "shut", "secret.example"), "SERVFAIL");
  assert.doesNotMatch(server.output(), /secret/);
  assert.match(server.output(), /^udp open\.example$/m);
});

const addressOf = (engine: Engine, container: string): Promise<string> =>
  engine.docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container);
