// The API over TCP: TLS, clients of one private authority, and no open door by mistake. The real client, openssl's certificates.

import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCertificate } from "../system/certificates.ts";
import { type Engine, gantrydPath, startEngine } from "../system/engine.ts";
import { type Result, run, startBackground } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const port = 23760;

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
const at = (...names: readonly string[]): string => join(folder.path, ...names);

/** An authority in a folder of its own, as ca.pem and ca-key.pem. */
async function makeAuthority(name: string): Promise<void> {
  mkdirSync(at(name));
  await makeCertificate({ certificate: at(name, "ca.pem"), key: at(name, "ca-key.pem"), name });
}

/** cert.pem and key.pem in a folder with the authority that its holder trusts. */
async function certify(
  name: string,
  by: string,
  trusted: string,
  extensions: readonly string[],
): Promise<void> {
  mkdirSync(at(name));
  const own = { certificate: at(name, "cert.pem"), key: at(name, "key.pem") };
  const issuer = { certificate: at(by, "ca.pem"), key: at(by, "ca-key.pem") };
  await makeCertificate({ ...own, name, extensions, issuer });
  copyFileSync(at(trusted, "ca.pem"), at(name, "ca.pem"));
}

let engine: Engine;
before(async () => {
  if (skip) return;
  folder = await mkdtempDisposable(join(tmpdir(), "gantry-tls-"));
  await Promise.all([makeAuthority("ours"), makeAuthority("foreign")]);
  await certify("server", "ours", "ours", ["subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth"]);
  await certify("alice", "ours", "ours", ["extendedKeyUsage=clientAuth"]);
  await certify("mallory", "foreign", "ours", ["extendedKeyUsage=clientAuth"]);
  engine = await startEngine({ config: { hosts: [`tcp://127.0.0.1:${port}`], ...tlsConfig() } });
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const tlsConfig = () => ({
  tlsverify: true,
  tlscacert: at("server", "ca.pem"),
  tlscert: at("server", "cert.pem"),
  tlskey: at("server", "key.pem"),
});

/** `docker version` as one of the holders; "" has no certificate. */
function ask(holder: string, options: readonly string[] = ["--tlsverify"]): Promise<Result> {
  const own = holder === "" ? [] : ["--tlscert", at(holder, "cert.pem"), "--tlskey", at(holder, "key.pem")];
  const command = ["docker", ...options, "--tlscacert", at("ours", "ca.pem"), ...own];
  return run([...command, "-H", `tcp://127.0.0.1:${port}`, "version", "-f", "{{.Server.Os}}"], {
    netns: engine.netns,
    env: { DOCKER_CERT_PATH: at("nowhere"), HOME: at("nowhere") },
  });
}

test("a client of the authority is served", { skip }, async () => {
  assert.equal((await ask("alice")).stdout.trim(), "linux");
});

test("a client of another authority, or without a certificate, is not", { skip }, async () => {
  for (const holder of ["mallory", ""]) {
    const { code, stderr } = await ask(holder);
    assert.notEqual(code, 0);
    assert.match(stderr, /certificate required|unknown certificate authority|bad certificate|tls: /);
  }
});

test("an authority that the machine trusts means nothing", { skip }, async () => {
  const trusted = { SSL_CERT_FILE: at("foreign", "ca.pem"), NODE_EXTRA_CA_CERTS: at("foreign", "ca.pem") };
  const other = 23761;
  const flags = ["--config-file", at("empty.json"), "-H", `tcp://127.0.0.1:${other}`, "--tlsverify"];
  writeFileSync(at("empty.json"), "{}");
  const files = [
    "--tlscacert",
    at("server", "ca.pem"),
    "--tlscert",
    at("server", "cert.pem"),
    "--tlskey",
    at("server", "key.pem"),
  ];
  const places = ["--data-root", at("root"), "--exec-root", at("exec"), "--bridge", "none"];
  const daemon = startBackground([gantrydPath, ...flags, ...files, ...places], {
    netns: engine.netns,
    env: trusted,
  });
  try {
    await daemon.line(/API listen on/);
    const hello = (holder: string): Promise<Result> => {
      const certificate = ["--cert", at(holder, "cert.pem"), "--key", at(holder, "key.pem")];
      return run(
        ["curl", "-s", "--cacert", at("ours", "ca.pem"), ...certificate, `https://127.0.0.1:${other}/_ping`],
        {
          netns: engine.netns,
        },
      );
    };
    assert.equal((await hello("alice")).stdout, "OK");
    assert.notEqual((await hello("mallory")).code, 0);
  } finally {
    await daemon.end();
  }
});

test("plain HTTP on the port of TLS is refused", { skip }, async () => {
  const { code, stdout } = await run(["curl", "-s", `http://127.0.0.1:${port}/_ping`], {
    netns: engine.netns,
  });
  assert.notEqual(code, 0);
  assert.equal(stdout, "");
});

interface Start {
  readonly what: string;
  readonly args: () => readonly string[];
  readonly message: RegExp;
}

const refused: readonly Start[] = [
  {
    what: "every address, without TLS",
    args: () => ["-H", "tcp://0.0.0.0:23762"],
    message: /binding to tcp:\/\/0\.0\.0\.0:23762 without --tlsverify gives root access on this machine/,
  },
  {
    what: "an address of IPv6, without TLS",
    args: () => ["-H", "tcp://[::]:23762"],
    message: /without --tlsverify gives root access/,
  },
  {
    what: "TLS without a key",
    args: () => [
      "--tlsverify",
      "--tlscacert",
      at("server", "ca.pem"),
      "--tlscert",
      at("server", "cert.pem"),
      "--tlskey",
      at("none"),
    ],
    message: /invalid TLS configuration: could not load X509 key pair .*no such file or directory/,
  },
  {
    what: "a key of somebody else",
    args: () => [
      "--tlsverify",
      "--tlscacert",
      at("server", "ca.pem"),
      "--tlscert",
      at("server", "cert.pem"),
      "--tlskey",
      at("alice", "key.pem"),
    ],
    message: /invalid TLS configuration: could not load X509 key pair/,
  },
  {
    what: "an authority without a certificate in it",
    args: () => [
      "--tlsverify",
      "--tlscacert",
      at("empty.pem"),
      "--tlscert",
      at("server", "cert.pem"),
      "--tlskey",
      at("server", "key.pem"),
    ],
    message: /failed to append certificates from PEM file/,
  },
  {
    what: "no authority",
    args: () => [
      "--tlsverify",
      "--tlscacert",
      at("none"),
      "--tlscert",
      at("server", "cert.pem"),
      "--tlskey",
      at("server", "key.pem"),
    ],
    message: /--tlsverify needs --tlscacert/,
  },
];

for (const { what, args, message } of refused) {
  test(`the daemon does not start with ${what}`, { skip }, async () => {
    writeFileSync(at("empty.pem"), "");
    writeFileSync(at("none.json"), "{}");
    const places = ["--data-root", at("root2"), "--exec-root", at("exec2"), "--bridge", "none"];
    const { code, stderr } = await run(
      [gantrydPath, "--config-file", at("none.json"), ...places, ...args()],
      {
        netns: engine.netns,
        env: { DOCKER_CERT_PATH: at("nowhere") },
      },
    );
    assert.equal(code, 1);
    assert.match(stderr, message);
  });
}

test("who says that it may be open has it open, and is warned", { skip }, async () => {
  await using open = await startEngine({ config: { hosts: ["tcp://0.0.0.0:23763"], tls: false } });
  const { stdout } = await run(["curl", "-s", "http://127.0.0.1:23763/_ping"], { netns: open.netns });
  assert.equal(stdout, "OK");
  assert.match(open.daemon.output(), /Binding to IP address without --tlsverify is insecure/);
});

test("the socket belongs to the group, and nobody else may connect", { skip }, async () => {
  await using own = await startEngine({ config: { group: "daemon" } });
  const { gid, mode } = statSync(own.socket);
  assert.deepEqual([gid, mode & 0o777], [1, 0o660]);
  chmodSync(own.dir, 0o755);
  const as = (gidOf: number): Promise<Result> => {
    const identity = ["setpriv", "--reuid", "65534", "--regid", String(gidOf), "--clear-groups"];
    return run([...identity, "curl", "-s", "--unix-socket", own.socket, "http://d/_ping"]);
  };
  assert.equal((await as(1)).stdout, "OK");
  assert.notEqual((await as(65534)).code, 0);
});
