// A container as tests and programs use one: run an image, get a port, wait until healthy, dispose.
//
//   await using web = await runContainer(engine, { image: "nginx", ports: [80] });
//   await web.untilHealthy();
//   await fetch(`http://127.0.0.1:${web.port(80)}/`);

import { invalid, systemError } from "#base/errors.ts";
import { decodeFrames, type Frame } from "#formats/log-frames.ts";
import type { ContainerInspectResponse } from "#spec/engine-api/definitions.table.ts";
import { ApiError } from "./api-error.ts";
import type { Engine } from "./engine.ts";
import { createRequest, portKey, type RunOptions } from "./run-options.ts";

/** What a program printed, and how it ended. */
export interface Finished extends Output {
  readonly exitCode: number;
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningContainer extends AsyncDisposable {
  readonly id: string;
  /** With the leading slash removed: "eager_hopper". */
  readonly name: string;
  /** Where 127.0.0.1 leads to the container's port: `port(80)`, `port("53/udp")`. Throws `invalid` for one that was not published. */
  port(containerPort: number | string): number;
  inspect(signal?: AbortSignal): Promise<ContainerInspectResponse>;
  /** Rejects when the container ends or its check calls it unhealthy, with what the check printed last. */
  untilHealthy(signal?: AbortSignal): Promise<void>;
  /** Resolves when the container has ended: its exit code and everything it printed. */
  finished(signal?: AbortSignal): Promise<Finished>;
  /** What it has printed until now. */
  logs(signal?: AbortSignal): Promise<Output>;
  exec(command: readonly string[], signal?: AbortSignal): Promise<Finished>;
  /** Removes the container, running or not, with its anonymous volumes. One that is gone is no error. */
  [Symbol.asyncDispose](): Promise<void>;
}

const never = new AbortController().signal;

/** An image that is not there is pulled. A failure leaves no container. Rejects ApiError with the daemon's words. */
export async function runContainer(
  engine: Engine,
  options: RunOptions,
  signal: AbortSignal = never,
): Promise<RunningContainer> {
  const request = createRequest(options);
  const named = options.name === undefined ? {} : { name: options.name };
  const create = () => engine.containers.create(request, named, signal);
  const { Id } = await create().catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    await pull(engine, options.image, signal);
    return await create();
  });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => remove(engine, Id));
  await engine.containers.start(Id, {}, signal);
  const state = await engine.containers.inspect(Id, signal);
  undo.move();
  return new StartedContainer(engine, Id, state);
}

async function pull(engine: Engine, image: string, signal: AbortSignal): Promise<void> {
  const hasTag = /(@|:)[^/]+$/.test(image);
  const reference = hasTag ? { name: image } : { name: image, tag: "latest" };
  for await (const { error } of engine.images.pull(reference, undefined, signal))
    if (error !== undefined) throw systemError(error);
}

/** Also when whoever asked has given up. */
async function remove(engine: Engine, id: string): Promise<void> {
  try {
    await engine.containers.remove(id, { force: true, v: true }, never);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}

class StartedContainer implements RunningContainer {
  readonly id: string;
  readonly name: string;
  readonly #engine: Engine;
  readonly #started: ContainerInspectResponse;

  constructor(engine: Engine, id: string, started: ContainerInspectResponse) {
    this.#engine = engine;
    this.id = id;
    this.name = (started.Name ?? "").replace(/^\//, "");
    this.#started = started;
  }

  port(containerPort: number | string): number {
    const bindings = this.#started.NetworkSettings?.Ports?.[portKey(containerPort)] ?? [];
    const port = bindings[0]?.HostPort;
    if (port === undefined) throw invalid(`port ${portKey(containerPort)} of ${this.name} is not published`);
    return Number(port);
  }

  async inspect(signal: AbortSignal = never): Promise<ContainerInspectResponse> {
    return await this.#engine.containers.inspect(this.id, signal);
  }

  async untilHealthy(signal: AbortSignal = never): Promise<void> {
    const done = new AbortController();
    const filters = { container: [this.id], event: ["health_status", "die"] };
    const told = await this.#engine.system.events({ filters }, AbortSignal.any([signal, done.signal]));
    try {
      if (await this.#isHealthy(signal)) return;
      for await (const _event of told) if (await this.#isHealthy(signal)) return;
      throw systemError(`the engine ended before ${this.name} was healthy`);
    } finally {
      done.abort();
    }
  }

  async #isHealthy(signal: AbortSignal): Promise<boolean> {
    const { State: state } = await this.inspect(signal);
    if (state?.Running !== true)
      throw systemError(`${this.name} ended with ${state?.ExitCode} before it was healthy`);
    if (state.Health === undefined) throw invalid(`${this.name} has no health check`);
    if (state.Health.Status === "unhealthy") {
      const last = state.Health.Log?.at(-1)?.Output ?? "";
      throw systemError(`${this.name} is unhealthy: ${last.trim()}`);
    }
    return state.Health.Status === "healthy";
  }

  async finished(signal: AbortSignal = never): Promise<Finished> {
    const { exit } = await this.#engine.containers.wait(this.id, "not-running", signal);
    const { StatusCode: exitCode = 0 } = await exit;
    return { exitCode, ...(await this.logs(signal)) };
  }

  async logs(signal: AbortSignal = never): Promise<Output> {
    const options = { stdout: true, stderr: true };
    const chunks = await this.#engine.containers.logs(this.id, options, signal);
    return this.#started.Config?.Tty === true ? await collectTerminal(chunks) : await collect(chunks);
  }

  async exec(command: readonly string[], signal: AbortSignal = never): Promise<Finished> {
    const { execs } = this.#engine;
    const config = { Cmd: command, AttachStdout: true, AttachStderr: true };
    const id = await execs.create(this.id, config, signal);
    const { socket } = await execs.start(id, { tty: false }, signal);
    const output = await collect(socket);
    const { ExitCode: exitCode } = await execs.inspect(id, signal);
    return { exitCode: exitCode ?? 0, ...output };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await remove(this.#engine, this.id);
  }
}

/** A terminal has one stream, without frames. */
async function collectTerminal(chunks: AsyncIterable<Uint8Array>): Promise<Output> {
  return { stdout: Buffer.concat(await Array.fromAsync(chunks)).toString(), stderr: "" };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Output> {
  const frames: Frame[] = [];
  for await (const frame of decodeFrames(chunks)) frames.push(frame);
  const text = (wanted: number): string =>
    Buffer.concat(frames.filter(({ stream }) => stream === wanted).map(({ payload }) => payload)).toString();
  return { stdout: text(1), stderr: text(2) };
}
