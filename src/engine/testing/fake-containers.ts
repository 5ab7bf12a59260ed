// The verbs of containers over fakes of the layers below.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { Background } from "#base/background.ts";
import { openDatabase } from "#base/database.ts";
import { notFound } from "#base/errors.ts";
import type { TaskExit } from "#containerd/tasks/tasks.ts";
import type { AttachRequest, Endpoint, EndpointRequest } from "#network/controller.ts";
import { createContainer } from "../containers/create.ts";
import { decodeCreateRequest } from "../containers/create-request.ts";
import { listContainers } from "../containers/list.ts";
import { containerSchema } from "../containers/store.ts";
import { type ContainersParts, wireContainers } from "../containers/wiring.ts";
import { Filters } from "../filters.ts";

/** A fake task ends when told to. */
class FakeTasks {
  readonly calls: string[] = [];
  readonly ends = new Map<string, PromiseWithResolvers<TaskExit>>();
  startError: Error | undefined;
  dieOn = new Set([9, 15]);
  #pid = 100;

  async create(_scope: unknown, { containerId }: { containerId: string }) {
    this.calls.push("create");
    this.ends.set(containerId, Promise.withResolvers());
    return { pid: this.#pid++ };
  }
  async start() {
    this.calls.push("start");
    if (this.startError !== undefined) throw this.startError;
    return { pid: this.#pid };
  }
  async wait(_scope: unknown, id: string) {
    const end = this.ends.get(id);
    if (end === undefined) throw notFound("task", id);
    return end.promise;
  }
  async kill(_scope: unknown, { containerId }: { containerId: string }, signal: number) {
    this.calls.push(`kill ${signal}`);
    if (this.dieOn.has(signal)) this.exit(containerId, 128 + signal);
  }
  async exec() {
    this.calls.push("exec");
  }
  async delete(_scope: unknown, id: string, execId: string) {
    this.calls.push(execId === "" ? "delete" : `delete ${execId}`);
    if (execId === "") this.ends.delete(id);
    return { exitCode: 0, exitedAt: 0 };
  }
  async pause() {
    this.calls.push("pause");
  }
  async resume() {
    this.calls.push("resume");
  }
  async attach() {
    this.calls.push("attach");
    const stream = new PassThrough();
    stream.end("hello");
    return stream;
  }
  listed: readonly object[] = [];
  async list() {
    return this.listed;
  }
  exit(id: string, exitCode: number) {
    this.ends.get(id)?.resolve({ exitCode, exitedAt: 1_000_000 });
  }
}

type Note = (what: string) => () => Promise<void>;
const noteIn =
  (log: string[]): Note =>
  (what) =>
  async () =>
    void log.push(what);

const host = {
  cpus: 2,
  onlineCpus: "0-1",
  onlineMems: "0",
  cgroupVersion: 1,
  hasCpuset: true,
  capabilities: new Set(["CAP_CHOWN"]),
  hardLimits: new Map(),
  hostname: "h",
  thermalPaths: ["/sys/cpu0/thermal_throttle"],
};

const fakeEndpoint = ({ network, endpointId }: EndpointRequest): Endpoint => ({
  ...{ networkId: "net1", networkName: network, endpointId, interfaceName: "eth0", ipv4: "172.17.0.2" },
  ...{ prefixLength: 16, gateway: "172.17.0.1", macAddress: "02:42:ac:11:00:02", ports: [] },
});

/** Networks and volumes. */
function fakeNeighbours(log: string[]) {
  const note = noteIn(log);
  return {
    networks: {
      open: async (id: string) => `/netns/${id}`,
      attach: async ({ sandboxId, endpoints }: AttachRequest) => {
        log.push(`attach ${endpoints.map(({ network }) => network).join(" ")}`);
        return { id: sandboxId, path: `/netns/${sandboxId}`, endpoints: endpoints.map(fakeEndpoint) };
      },
      detach: note("detach"),
      restore: note("restore networks"),
      find: (name: string) => ({ id: "net1", name, driver: "bridge" }),
    },
    volumes: {
      create: async () => ({ name: "v1", driver: "local", mountpoint: "/v/v1" }),
      mount: async () => {
        log.push("mount v1");
        return "/v/v1";
      },
      unmount: note("unmount v1"),
      populate: note("populate v1"),
      remove: note("remove v1"),
      release: () => undefined,
      adopt: () => void log.push("adopt v1"),
    },
  };
}

const fakeSnapshots = (note: Note) => ({
  prepare: async (): Promise<readonly never[]> => {
    await note("prepare")();
    return [];
  },
  remove: note("remove snapshot"),
  list: async function* () {},
  stat: async () => ({ parent: "", labels: {} }),
  mounts: async () => [
    { destination: "", type: "overlay", options: ["lowerdir=/l", "upperdir=/u/fs", "workdir=/u/work"] },
  ],
});

/** Containers over fakes of the layers below; gone when the test ends. */
export function openFakeContainers(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-life-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const log: string[] = [];
  const tasks = new FakeTasks();
  const failures: unknown[] = [];
  const background = new Background((error) => failures.push(error));
  let time = 1_700_000_000_000_000_000n;
  const image = { id: "sha256:i", config: { Cmd: ["sh"], Env: ["A=1"] } };
  const database = openDatabase(":memory:", containerSchema);
  const note = noteIn(log);
  const parts: Record<keyof ContainersParts, unknown> = {
    database,
    containerd: {
      tasks,
      containers: { create: note("record"), delete: note("forget record"), list: async () => [] },
      snapshots: fakeSnapshots(note),
      events: { subscribe: async function* () {} },
    },
    sizes: { size: async () => 0 },
    onProbe: () => undefined,
    ...fakeNeighbours(log),
    images: {
      resolve: async () => ({
        ...image,
        name: "docker.io/library/busybox:latest",
        chainId: "sha256:c",
      }),
      descendants: async (id: string) => new Set([id]),
    },
    executor: { run: async () => new Map([[4, [Buffer.from("root:x:0:0::/root:/bin/sh")]]]) },
    events: { publish: ({ action }: { action: string }) => log.push(`event ${action}`) },
    clock: { now: () => (time += 1_000_000n) },
    host,
    seccomp: () => ({ defaultAction: "SCMP_ACT_ALLOW" }),
    background,
    report: (error: unknown) => failures.push(error),
    warn: (message: string) => failures.push(message),
  };
  const settings = {
    containersDir: directory,
    secretsDir: join(directory, "secrets"),
    etc: { dns: [], dnsSearch: [], dnsOptions: [], hostGateways: [] },
    defaultLog: { driver: "json-file", options: {} },
  };
  const deps = wireContainers(fake<ContainersParts>(parts), settings, t.signal);
  const create = async (body: object) => {
    const request = decodeCreateRequest({ Image: "busybox", ...body }, { name: "web", platform: "" }, 50);
    const { id } = await createContainer(deps, request, 50, t.signal);
    return deps.containers.get(id);
  };
  const list = () =>
    listContainers(
      deps,
      { all: true, limit: 0, size: false, filters: new Filters(new Map()), minor: 50 },
      t.signal,
    );
  /** As a full disk does. */
  const refuseWrites = (verb: "DELETE" | "UPDATE") =>
    database.exec(
      `CREATE TRIGGER full BEFORE ${verb} ON containers BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
  const acceptWrites = () => database.exec("DROP TRIGGER full");
  return { deps, create, list, log, tasks, background, failures, image, refuseWrites, acceptWrites };
}

/** What is missing in a fake is not called by the test. */
function fake<T>(parts: unknown): T;
function fake(parts: unknown): unknown {
  return parts;
}
