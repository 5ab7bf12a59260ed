// Registries that are broken or hostile: each a clear error, nothing left, and a store that a good registry's image goes into afterwards.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resolveImage } from "#engine/images/resolve.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import { type Answer, FakeRegistry, refuse } from "./fake-registry.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { pull } from "./pulling.ts";
import { file } from "./unpacker.ts";

type Spoil = (registry: FakeRegistry) => (answer: Answer) => boolean;

const isBlob = ({ path }: Answer): boolean => path.includes("/blobs/");
const isManifest = ({ path }: Answer): boolean => path.includes("/manifests/");

function redirect(response: ServerResponse, to: string): true {
  response.writeHead(307, { Location: to }).end();
  return true;
}

const challenge = (response: ServerResponse, scheme: string): true => {
  response.setHeader("WWW-Authenticate", scheme);
  refuse(response, "UNAUTHORIZED", 401, "authentication required");
  return true;
};

const faults: Readonly<Record<string, readonly [Spoil, RegExp]>> = {
  "redirects a blob to itself": [
    () => (answer) => isBlob(answer) && redirect(answer.response, answer.path),
    /stopped after 10 redirects/,
  ],
  "redirects a blob to a file": [
    () => (answer) => isBlob(answer) && redirect(answer.response, "file:///etc/shadow"),
    /unsupported protocol scheme "file"/,
  ],
  "redirects to what is no address": [
    () => (answer) => isBlob(answer) && redirect(answer.response, "http://["),
    /failed to parse Location header/,
  ],
  "asks for a password again and again": [
    () => (answer) => isManifest(answer) && challenge(answer.response, 'Basic realm="x"'),
    /unauthorized: authentication required/,
  ],
  "asks for a token that it never takes": [
    (registry) => (answer) => {
      if (answer.path === "/token") answer.response.end('{"token":"never"}');
      else
        return (
          isManifest(answer) && challenge(answer.response, `Bearer realm="http://${registry.address}/token"`)
        );
      return true;
    },
    /unauthorized: authentication required/,
  ],
  "names a token server that gives no token": [
    (registry) => (answer) => {
      if (answer.path === "/token") answer.response.end("{}");
      else
        return (
          isManifest(answer) && challenge(answer.response, `Bearer realm="http://${registry.address}/token"`)
        );
      return true;
    },
    /authorization server did not include a token in the response/,
  ],
  "names a token server that sends no JSON": [
    (registry) => (answer) => {
      if (answer.path === "/token") answer.response.end("<html>");
      else
        return (
          isManifest(answer) && challenge(answer.response, `Bearer realm="http://${registry.address}/token"`)
        );
      return true;
    },
    /unable to decode token response/,
  ],
  "is in trouble for ever": [
    () => (answer) => {
      if (isBlob(answer)) answer.response.writeHead(503).end("busy");
      return isBlob(answer);
    },
    /download failed after attempts=5: received unexpected HTTP status: 503/,
  ],
  "breaks off every blob at its beginning": [
    () => (answer) => {
      if (isBlob(answer)) answer.response.writeHead(200, { "Content-Length": 5 }).destroy();
      return isBlob(answer);
    },
    /download failed after attempts=5: /,
  ],
  "sends less than it says": [
    () => (answer) => {
      if (isBlob(answer)) answer.response.writeHead(200, { "Content-Length": 1 }).end("x");
      return isBlob(answer);
    },
    /download failed after attempts=5: unexpected EOF/,
  ],
  "sends a blob without an end": [
    () => (answer) => {
      if (!isBlob(answer)) return false;
      const more = (): void => {
        while (!answer.response.destroyed && answer.response.write(Buffer.alloc(65536)));
        if (!answer.response.destroyed) answer.response.once("drain", more);
      };
      more();
      return true;
    },
    /registry sent more than the \d+ bytes it had announced/,
  ],
  "answers ranges that were not asked for": [
    () => (answer) => {
      if (isBlob(answer)) answer.response.writeHead(206, { "Content-Range": "bytes 7-9/100" }).end("abc");
      return isBlob(answer);
    },
    /received unexpected HTTP status: 206/,
  ],
};

async function assertClean(daemon: ImageDaemon): Promise<void> {
  const scope = { namespace: "moby" };
  assert.deepEqual(await daemon.services.leases.list(scope, []), []);
  assert.deepEqual(await daemon.services.images.list(scope, []), []);
  for await (const { kind } of daemon.services.snapshots.list(scope, [])) assert.equal(kind, "committed");
}

for (const [what, [spoil, message]] of Object.entries(faults))
  test(`a registry that ${what} is a clear error, and nothing is left`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    registry.addImage("latest", [[file("a", "x".repeat(500))]]);
    registry.intercept = spoil(registry);
    const credentials = { username: "user", password: "secret" };
    const refused = pull(daemon, `${registry.address}/app`, { credentials });
    await assert.rejects(
      refused,
      (error: Error) => message.test(error.message) && !error.message.includes("secret"),
    );
    await assertClean(daemon);
    registry.intercept = () => false;
    await pull(daemon, `${registry.address}/app`);
  });

type Document = Record<string, unknown> & { readonly layers: readonly unknown[]; readonly config: object };

for (const [what, change, message] of [
  [
    "10,000 layers",
    (document: Document) => ({ ...document, layers: Array(10_000).fill(document.layers[0]) }),
    /max depth exceeded/,
  ],
  [
    "a configuration of a terabyte",
    (document: Document) => ({ ...document, config: { ...document.config, size: 2 ** 40 } }),
    /image config is too large/,
  ],
  [
    "100 MB of annotations",
    (document: Document) => ({ ...document, annotations: { a: "x".repeat(100e6) } }),
    /larger than 4194304 bytes/,
  ],
] as const)
  test(`a manifest with ${what} is refused`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const { document } = registry.addImage("good", [[file("a")]]);
    registry.addManifest("latest", mediaTypes.ociManifest, change(document));
    await assert.rejects(pull(daemon, `${registry.address}/app`), { message });
    await assertClean(daemon);
  });

test("indexes that list each other end somewhere", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const platform = { os: "linux", architecture: "amd64" };
  let inner = registry.addImage("good", [[file("a")]]).manifest;
  for (let depth = 0; depth < 10; depth++) {
    const manifests = [{ ...inner, platform }];
    inner = registry.addManifest("latest", mediaTypes.ociIndex, { schemaVersion: 2, manifests, depth });
  }
  await assert.rejects(pull(daemon, `${registry.address}/app`), /indexes are nested too deep/);
  await assertClean(daemon);
});

for (const [what, bytes] of [
  ["no JSON", Buffer.from("\x7fELF")],
  ["JSON of another kind", Buffer.from("[1]")],
  ["text that is not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
] as const)
  test(`a configuration that is ${what} is refused`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const { document } = registry.addImage("good", [[file("a")]]);
    const config = registry.addBlob(bytes, mediaTypes.ociConfig);
    registry.addManifest("latest", mediaTypes.ociManifest, { ...document, config });
    await assert.rejects(pull(daemon, `${registry.address}/app`), /^EngineError: invalid image config: /);
    await assertClean(daemon);
  });

test("a configuration with other bytes than its digest is refused", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { config } = registry.addImage("latest", [[file("a")]]);
  const right = registry.blob(config.digest);
  registry.spoilBlob(config.digest, Buffer.from(right.toString().replace('"true"', '"evil"')));
  const message = `filesystem layer verification failed for digest ${config.digest}`;
  await assert.rejects(pull(daemon, `${registry.address}/app`), { message });
  await assertClean(daemon);
  registry.spoilBlob(config.digest, right);
  await pull(daemon, `${registry.address}/app`);
});

test("a layer that is there twice is downloaded once", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const same = [file("a", randomBytes(1000).toString("hex"))];
  const { layers, config } = registry.addImage("latest", [same, [file("b")], same]);
  await pull(daemon, `${registry.address}/app`);
  const digest = layers[0]?.digest ?? "";
  assert.equal(registry.blobRequests.filter((request) => request.includes(digest)).length, 1);
  assert.equal((await resolveImage(daemon.images.deps, `${registry.address}/app`, "")).id, config.digest);
});

test("a registry that asks for patience gets it, and then the pull goes on", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.addImage("latest", [[file("a")]]);
  const asked = new Set<string>();
  registry.intercept = ({ request, response, path }) => {
    const what = `${request.method} ${path}`;
    if (asked.has(what)) return false;
    asked.add(what);
    response.setHeader("Retry-After", "0");
    refuse(response, "TOOMANYREQUESTS", 429);
    return true;
  };
  await pull(daemon, `${registry.address}/app`);
});

test("a registry that asks for hours is told as an error", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.intercept = ({ response }) => {
    response.setHeader("Retry-After", "7200");
    refuse(response, "TOOMANYREQUESTS", 429, "slow down");
    return true;
  };
  await assert.rejects(pull(daemon, `${registry.address}/app`), /unexpected HTTP status: 429|slow down/);
});

test("a tag that is up to date costs one request", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.addImage("latest", [[file("a")]]);
  await pull(daemon, `${registry.address}/app`);
  registry.requests.length = 0;
  await pull(daemon, `${registry.address}/app`);
  assert.deepEqual(registry.requests, ["HEAD /v2/app/manifests/latest"]);
});

test("a registry that gives a byte at a time is waited for as long as bytes come", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { config } = registry.addImage("latest", [[file("a")]]);
  registry.intercept = ({ response, path }) => {
    if (!path.endsWith(config.digest)) return false;
    const bytes = registry.blob(config.digest);
    response.writeHead(200, { "Content-Length": bytes.length });
    const next = (at: number): void => {
      if (at < bytes.length) response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
      else response.end();
    };
    next(0);
    return true;
  };
  await pull(daemon, `${registry.address}/app`);
});

async function writeHosts(folder: string, domain: string, text: string): Promise<void> {
  await mkdir(join(folder, domain), { recursive: true });
  await writeFile(join(folder, domain, "hosts.toml"), text);
}

test("any registry can have mirrors with a path, and what one lacks the next is asked for", async () => {
  await using origin = await FakeRegistry.start();
  await using mirror = await FakeRegistry.start();
  await using certs = await mkdtempDisposable(join(tmpdir(), "gantry-certs-"));
  await using daemon = await startDaemon({ certsDir: certs.path });
  const entries = [[file("a", randomBytes(500).toString("hex"))], [file("b")]] as const;
  for (const registry of [origin, mirror]) registry.addImage("1", entries);
  const missing = origin.addImage("1", entries).layers[0]?.digest ?? "";
  const seen: string[] = [];
  mirror.intercept = (answer) => {
    const { request, response, path } = answer;
    seen.push(
      `${request.method} ${request.url} ${request.headers["x-token"]} ${request.headers.authorization}`,
    );
    if (!path.startsWith("/team/mirror/v2/") || path.endsWith(missing)) {
      refuse(response, "BLOB_UNKNOWN");
      return true;
    }
    return false;
  };
  await writeHosts(
    certs.path,
    "registry.example",
    `server = "http://${origin.address}"
[host."http://127.0.0.1:1"]
[host."http://${mirror.address}/team/mirror"]
capabilities = ["pull", "resolve"]
[host."http://${mirror.address}/team/mirror".header]
x-token = "t"
`,
  );
  const credentials = { username: "user", password: "secret" };
  await pull(daemon, "registry.example/team/app:1", { credentials });
  assert.equal(seen[0], "HEAD /team/mirror/v2/team/app/manifests/1?ns=registry.example t undefined");
  assert.ok(origin.requests.includes(`GET /v2/team/app/blobs/${missing}`));
  assert.ok(!origin.requests.some((request) => request.includes("/manifests/1")));
});

test("a hosts.toml that cannot be read is told with its line", async () => {
  await using certs = await mkdtempDisposable(join(tmpdir(), "gantry-certs-"));
  await using daemon = await startDaemon({ certsDir: certs.path });
  await writeHosts(certs.path, "registry.example", "[host\n");
  await assert.rejects(pull(daemon, "registry.example/app:1"), /hosts\.toml: line 1: expected "\]"/);
});

test("a registry beyond loopback is asked through the proxy, but for those that need none", async () => {
  await using registry = await FakeRegistry.start();
  const through: string[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    through.push(`${request.method} ${request.url}`);
    refuse(response, "DENIED", 403, "by the proxy");
  };
  await using proxy = createServer(onRequest).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const proxies = { httpProxy: `http://127.0.0.1:${port}`, httpsProxy: "", noProxy: "" };
  await using certs = await mkdtempDisposable(join(tmpdir(), "gantry-certs-"));
  await using daemon = await startDaemon({ certsDir: certs.path, proxies });
  await writeHosts(certs.path, "registry.example", 'server = "http://10.1.2.3:5000"\n');
  await assert.rejects(pull(daemon, "registry.example/app:1"), /denied: by the proxy/);
  assert.equal(through[0], "HEAD http://10.1.2.3:5000/v2/app/manifests/1");
  registry.addImage("1", [[file("a")]]);
  await pull(daemon, `${registry.address}/app:1`);
});
