// Pulls from a registry that misbehaves. Layers are hashed, not unpacked: no root needed.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resolveImage } from "#engine/images/resolve.ts";
import { mediaTypes } from "#spec/oci-image.ts";
import { FakeRegistry, refuse } from "./fake-registry.ts";
import { startDaemon } from "./hashing-daemon.ts";
import type { ImageDaemon } from "./image-daemon.ts";
import { pull, pullAll } from "./pulling.ts";
import { file } from "./unpacker.ts";

async function leftovers({ services }: ImageDaemon): Promise<readonly string[]> {
  const scope = { namespace: "moby" };
  const names = [];
  for await (const { name, kind } of services.snapshots.list(scope, []))
    if (kind !== "committed") names.push(name);
  for (const lease of await services.leases.list(scope, [])) names.push(lease.id);
  return names;
}

test("a pull by tag tells its steps and names the image", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { manifest, config, layers } = registry.addImage("v1", [[file("a")], [file("b")]]);
  const name = `${registry.address}/app:v1`;
  const { statuses } = await pull(daemon, name);
  const ids = layers.map(({ digest }) => digest.slice(7, 19));
  assert.equal(statuses[0], "v1 Pulling from app");
  assert.deepEqual(
    statuses.slice(1, 3),
    ids.map((id) => `${id} Pulling fs layer`),
  );
  assert.deepEqual(statuses.slice(-2), [
    `Digest: ${manifest.digest}`,
    `Status: Downloaded newer image for ${name}`,
  ]);
  for (const id of ids)
    for (const step of [
      "Downloading",
      "Verifying Checksum",
      "Download complete",
      "Extracting",
      "Pull complete",
    ])
      assert.ok(statuses.includes(`${id} ${step}`), `${id} ${step}`);
  assert.equal((await resolveImage(daemon.images.deps, name, "")).id, config.digest);
  assert.deepEqual(await leftovers(daemon), []);
});

test("a second pull tells that the image is up to date, and fetches no blob", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.addImage("latest", [[file("a")]]);
  await pull(daemon, `${registry.address}/app`);
  const before = registry.blobRequests.length;
  const { statuses } = await pull(daemon, `${registry.address}/app`);
  assert.equal(statuses.at(-1), `Status: Image is up to date for ${registry.address}/app:latest`);
  assert.equal(statuses.length, 3);
  assert.equal(registry.blobRequests.length, before);
});

test("an image moved to another tag keeps its content under its digest", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const first = registry.addImage("latest", [[file("a")]]);
  await pull(daemon, `${registry.address}/app`);
  registry.addImage("latest", [[file("b")]]);
  await pull(daemon, `${registry.address}/app`);
  const byDigest = `${registry.address}/app@${first.manifest.digest}`;
  assert.equal((await resolveImage(daemon.images.deps, byDigest, "")).id, first.config.digest);
});

test("the platform's manifest of an index is taken, and only that", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const arm = registry.addImage("arm", [[file("arm")]], { os: "linux", architecture: "arm64" });
  const amd = registry.addImage("amd", [[file("amd")]]);
  registry.addManifest("multi", mediaTypes.dockerList, {
    schemaVersion: 2,
    manifests: [
      { ...arm.manifest, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
      { ...amd.manifest, platform: { os: "linux", architecture: "amd64" } },
      { ...amd.manifest, platform: { os: "unknown", architecture: "unknown" } },
    ],
  });
  const name = `${registry.address}/app:multi`;
  await pull(daemon, name, { platform: "linux/arm64" });
  assert.equal((await resolveImage(daemon.images.deps, name, "")).id, arm.config.digest);
  assert.ok(!registry.requests.some((request) => request.includes(amd.manifest.digest)));
  await assert.rejects(
    pull(daemon, name, { platform: "linux/s390x" }),
    /no matching manifest for linux\/s390x in the manifest list entries/,
  );
});

test("without a tag every tag is pulled", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const [one, two] = ["one", "two"].map((tag) => registry.addImage(tag, [[file(tag)]]));
  registry.intercept = ({ request, response, path }) => {
    if (!path.endsWith("/tags/list")) return false;
    const last = request.url?.includes("last=one");
    if (!last) response.setHeader("Link", '</v2/app/tags/list?last=one>; rel="next"');
    response.end(JSON.stringify({ name: "app", tags: [last ? "two" : "one"] }));
    return true;
  };
  const name = `${registry.address}/app`;
  const { statuses } = await pullAll(daemon, name);
  assert.equal(statuses.at(-1), `Status: Downloaded newer image for ${name}`);
  assert.equal((await resolveImage(daemon.images.deps, `${name}:one`, "")).id, one?.config.digest);
  assert.equal((await resolveImage(daemon.images.deps, `${name}:two`, "")).id, two?.config.digest);
});

for (const [what, spoil, message] of [
  [
    "a layer with other bytes",
    (bytes: Buffer) => Buffer.alloc(bytes.length, 1),
    /filesystem layer verification failed for digest sha256:/,
  ],
  [
    "a layer longer than announced",
    (bytes: Buffer) => Buffer.concat([bytes, bytes]),
    /registry sent more than the \d+ bytes/,
  ],
] as const) {
  test(`${what} is refused, and a good one is taken later`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    const { layers } = registry.addImage("latest", [[file("a", "x".repeat(5000))]]);
    const digest = layers[0]?.digest ?? "";
    const size = layers[0]?.size ?? 0;
    registry.spoilBlob(digest, spoil(Buffer.alloc(size, 2)));
    await assert.rejects(pull(daemon, `${registry.address}/app`), message);
    assert.deepEqual(await leftovers(daemon), []);
    assert.deepEqual(await daemon.images.deps.catalog.list(), []);
    registry.addImage("latest", [[file("a", "x".repeat(5000))]]);
    await pull(daemon, `${registry.address}/app`);
  });
}

test("a manifest with other bytes than its digest is refused", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { manifest } = registry.addImage("latest", [[file("a")]]);
  registry.intercept = ({ request, response, path }) => {
    if (request.method !== "GET" || !path.endsWith(manifest.digest)) return false;
    response.setHeader("Content-Type", manifest.mediaType);
    response.end(JSON.stringify({ schemaVersion: 2, evil: true }));
    return true;
  };
  await assert.rejects(pull(daemon, `${registry.address}/app@${manifest.digest}`), {
    message: `manifest verification failed for digest ${manifest.digest}`,
  });
});

test("a download that breaks off goes on where it stopped", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { layers } = registry.addImage("latest", [[file("a", randomBytes(60_000).toString("hex"))]]);
  const { digest = "", size = 0 } = layers[0] ?? {};
  let breaks = 2;
  registry.intercept = ({ request, response, path }) => {
    if (!path.endsWith(digest) || breaks-- <= 0) return false;
    const start = Number(/=([0-9]+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "Content-Length": size - start,
      ...(start > 0 && { "Content-Range": `bytes ${start}-${size - 1}/${size}` }),
    });
    response.write(registry.blob(digest).subarray(start, start + 10_000), () => response.destroy());
    return true;
  };
  await pull(daemon, `${registry.address}/app`);
  const ranges = registry.blobRequests
    .filter((request) => request.includes(digest))
    .map((request) => request.split(" ")[2]);
  assert.deepEqual(ranges, [undefined, "bytes=10000-", "bytes=20000-"]);
});

for (const ignoresRanges of [false, true]) {
  const how = ignoresRanges ? "starts over where the registry ignores ranges" : "resumes";
  test(`a pull that was interrupted ${how} in the next daemon`, async () => {
    await using registry = await FakeRegistry.start();
    await using folder = await mkdtempDisposable(join(tmpdir(), "gantry-images-"));
    const { layers, config } = registry.addImage("latest", [
      [file("a", randomBytes(1 << 20).toString("hex"))],
    ]);
    const { digest = "", size = 0 } = layers[0] ?? {};
    await interruptPull(registry, folder.path, { digest, size });
    registry.intercept = ({ request }) => {
      if (ignoresRanges) delete request.headers.range;
      return false;
    };
    await using daemon = await startDaemon({ folder: folder.path });
    await pull(daemon, `${registry.address}/app`);
    assert.match(registry.blobRequests.at(-1) ?? "", /bytes=[1-9][0-9]+-$/);
    assert.equal((await resolveImage(daemon.images.deps, `${registry.address}/app`, "")).id, config.digest);
  });
}

/** Pulls until bytes of the blob have arrived; the daemon is gone after that. */
async function interruptPull(
  registry: FakeRegistry,
  folder: string,
  { digest, size }: { readonly digest: string; readonly size: number },
): Promise<void> {
  await using daemon = await startDaemon({ folder });
  registry.intercept = ({ response, path }) => {
    if (!path.endsWith(digest)) return false;
    response.writeHead(200, { "Content-Length": size });
    response.write(registry.blob(digest).subarray(0, size - 1000)); // and then nothing more
    return true;
  };
  const abort = new AbortController();
  const running = pull(daemon, `${registry.address}/app`, {
    signal: abort.signal,
    onMessage: ({ progress }) => progress !== undefined && abort.abort(new Error("gone")),
  });
  await assert.rejects(running, /gone/);
}

for (const [what, document, mediaType, message] of [
  [
    "both manifest and index",
    { manifests: [], layers: [], config: {} },
    mediaTypes.ociManifest,
    /got a document that is both/,
  ],
  [
    "of another type than it says",
    { mediaType: mediaTypes.ociIndex, manifests: [] },
    mediaTypes.ociManifest,
    /mediaType in manifest should be/,
  ],
  [
    "of schema 1",
    { schemaVersion: 1, fsLayers: [] },
    mediaTypes.dockerSchema1Signed,
    /schema 1 support has been removed/,
  ],
  ["not JSON", "x", mediaTypes.ociManifest, /not a JSON object/],
  ["without a config", { layers: [] }, mediaTypes.ociManifest, /invalid manifest: config: expected object/],
  ["of an unknown type", {}, "text/html", /unsupported manifest media type "text\/html"/],
] as const) {
  test(`a manifest that is ${what} is refused`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    registry.addManifest("latest", mediaType, document);
    await assert.rejects(pull(daemon, `${registry.address}/app`), message);
    assert.deepEqual(await leftovers(daemon), []);
  });
}

test("a digest that is a path is refused", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { document } = registry.addImage("good", [[file("a")]]);
  const config = { ...document.config, digest: "sha256:../../../../etc/passwd" };
  registry.addManifest("latest", mediaTypes.ociManifest, { ...document, config });
  await assert.rejects(pull(daemon, `${registry.address}/app`), {
    message: "invalid checksum digest format",
  });
});

test("layers that are not those of the configuration are refused", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { document } = registry.addImage("good", [[file("a")], [file("b")]]);
  registry.addManifest("fewer", mediaTypes.ociManifest, { ...document, layers: document.layers.slice(1) });
  registry.addManifest("swapped", mediaTypes.ociManifest, {
    ...document,
    layers: document.layers.toReversed(),
  });
  await assert.rejects(
    pull(daemon, `${registry.address}/app:fewer`),
    /layers from manifest don't match image configuration/,
  );
  await assert.rejects(
    pull(daemon, `${registry.address}/app:swapped`),
    /wrong diff id calculated on extraction/,
  );
  assert.deepEqual(await leftovers(daemon), []);
});

test("a redirect to another host carries no credentials there", async () => {
  await using registry = await FakeRegistry.start();
  await using storage = await FakeRegistry.start();
  await using daemon = await startDaemon();
  const { layers } = registry.addImage("latest", [[file("a")]]);
  const digest = layers[0]?.digest ?? "";
  const seen: (string | undefined)[] = [];
  storage.intercept = ({ request, response }) => {
    seen.push(request.headers.authorization);
    response.end(registry.blob(digest));
    return true;
  };
  registry.intercept = ({ request, response, path }) => {
    if (request.headers.authorization === undefined) {
      response.setHeader("WWW-Authenticate", 'Basic realm="test"');
      refuse(response, "UNAUTHORIZED", 401);
      return true;
    }
    if (!path.endsWith(digest)) return false;
    response.writeHead(307, { Location: `http://${storage.address}/elsewhere` });
    response.end();
    return true;
  };
  await pull(daemon, `${registry.address}/app`, { credentials: { username: "user", password: "secret" } });
  assert.deepEqual(seen, [undefined]);
});

test("a token is asked for once, with the scope, and used for all requests", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.addImage("latest", [[file("a")], [file("b")]]);
  const asked: string[] = [];
  registry.intercept = ({ request, response, path }) => {
    if (path === "/token") {
      asked.push(`${request.url} ${request.headers.authorization}`);
      response.end(JSON.stringify({ token: "good", expires_in: 300 }));
      return true;
    }
    if (request.headers.authorization === "Bearer good") return false;
    response.setHeader("WWW-Authenticate", `Bearer realm="http://${registry.address}/token",service="reg"`);
    refuse(response, "UNAUTHORIZED", 401, "authentication required");
    return true;
  };
  await pull(daemon, `${registry.address}/team/app`, {
    credentials: { username: "user", password: "secret" },
  });
  assert.deepEqual(asked, [
    `/token?service=reg&scope=repository%3Ateam%2Fapp%3Apull&account=user Basic ${btoa("user:secret")}`,
  ]);
});

for (const [code, status, message] of [
  [
    "DENIED",
    403,
    /pull access denied for 127\.0\.0\.1:\d+\/app, repository does not exist or may require 'docker login': denied: /,
  ],
  ["UNAUTHORIZED", 401, /^unauthorized: /],
  ["TOOMANYREQUESTS", 429, /^toomanyrequests: /],
  ["NAME_UNKNOWN", 404, /repository 127\.0\.0\.1:\d+\/app not found: name unknown: /],
] as const) {
  test(`a registry's ${code} is told in Docker's words`, async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon();
    registry.intercept = ({ response, path }) => {
      if (path === "/v2/") return false;
      refuse(response, code, status, "because");
      return true;
    };
    await assert.rejects(pull(daemon, `${registry.address}/app`), { message });
  });
}

test("a mirror is asked before docker.io, without the credentials", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon({ mirrors: [`http://${registry.address}`] });
  registry.addImage("1", [[file("a")]]);
  const { statuses } = await pull(daemon, "busybox:1", { credentials: { username: "u", password: "p" } });
  assert.equal(statuses[0], "1 Pulling from library/busybox");
  assert.ok(registry.requests.some((request) => request.includes("/v2/library/busybox/manifests/1")));
});

test("an endless manifest is refused at its limit", async () => {
  await using registry = await FakeRegistry.start();
  await using daemon = await startDaemon();
  registry.intercept = ({ request, response, path }) => {
    if (!path.includes("/manifests/") || request.method !== "GET") return false;
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65536, 0x20)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
    return true;
  };
  await assert.rejects(
    pull(daemon, `${registry.address}/app`),
    /registry answer is larger than 4194304 bytes/,
  );
});
