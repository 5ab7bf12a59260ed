// Shims without processes, for tests: a test ends its processes by hand.

import { PassThrough } from "node:stream";
import { EngineError } from "#base/errors.ts";
import type { AdoptRequest, ProcessExit, Shim, ShimCreate, Shims } from "#shim/shim.ts";

const gone = (): EngineError => new EngineError("notFound", "process already finished");

export class FakeShim implements Shim {
  readonly pid = 100;
  readonly initPid = 101;
  readonly calls: string[] = [];
  /** What `start` rejects with. */
  failStart: Error | undefined;
  /** What `pause` rejects with. */
  failPause: Error | undefined;
  /** Answers nothing: as if stopped. */
  mute = false;
  readonly request: ShimCreate;
  readonly #exits = new Map<string, PromiseWithResolvers<ProcessExit>>([["", Promise.withResolvers()]]);
  readonly #ended = new Set<string>();

  constructor(request: ShimCreate) {
    this.request = request;
  }

  /** Loses the connection: what has not ended is not heard of any more. */
  lose(): void {
    for (const exit of this.#exits.values()) exit.reject(gone());
  }

  /** Ends a process, as the kernel would. */
  end(execId: string, exit: ProcessExit): void {
    this.#ended.add(execId);
    this.#exits.get(execId)?.resolve(exit);
  }

  async start(): Promise<void> {
    if (this.failStart !== undefined) throw this.failStart;
    this.calls.push("start");
  }

  async exec(execId: string): Promise<number> {
    if (this.mute) await new Promise(() => undefined);
    this.calls.push(`exec ${execId}`);
    this.#exits.set(execId, Promise.withResolvers());
    return 102;
  }

  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    if (this.#ended.has(execId)) throw gone();
    if (this.mute) await new Promise(() => undefined);
    this.calls.push(`kill ${execId} ${signal} ${all}`);
    if (signal === 9) this.end(execId, { exitCode: 137, exitedAt: 1_700_000_000_250 });
  }

  async resizePty(execId: string, size: { readonly rows: number; readonly cols: number }): Promise<void> {
    if (this.mute) await new Promise(() => undefined);
    this.calls.push(`resize ${execId} ${size.rows}x${size.cols}`);
  }

  async closeStdin(execId: string): Promise<void> {
    if (this.mute) await new Promise(() => undefined);
    this.calls.push(`close ${execId}`);
  }

  /** Answers what it is sent, in capitals. */
  async attach() {
    const stream = new PassThrough({
      transform: (chunk: Buffer, _encoding, done) => done(null, chunk.toString().toUpperCase()),
    });
    return stream;
  }

  async wait(execId: string, signal: AbortSignal): Promise<ProcessExit> {
    const exit = this.#exits.get(execId);
    if (exit === undefined) throw gone();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    return Promise.race([exit.promise, aborted]);
  }

  async pids(): Promise<readonly number[]> {
    return [101, 102];
  }

  async pause(): Promise<void> {
    if (this.failPause !== undefined) throw this.failPause;
    this.calls.push("pause");
  }

  async resume(): Promise<void> {
    this.calls.push("resume");
  }

  async update(): Promise<void> {
    this.calls.push("update");
  }

  async checkpoint({ images, leaveRunning }: Parameters<Shim["checkpoint"]>[0]): Promise<void> {
    this.calls.push(`checkpoint ${images}${leaveRunning ? " leave running" : ""}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.calls.push("release");
  }
}

export class FakeShims implements Shims {
  readonly created = new Map<string, FakeShim>();
  readonly cleaned: string[] = [];
  /** Answers of `adopt`, by container id; notFound for the others. */
  readonly orphans = new Map<string, FakeShim | ProcessExit>();
  /** Shims that answer `adopt` when the test lets them, by container id. */
  readonly silent = new Map<string, PromiseWithResolvers<FakeShim | ProcessExit>>();

  async create(request: ShimCreate): Promise<Shim> {
    const shim = new FakeShim(request);
    this.created.set(request.id, shim);
    return shim;
  }

  async adopt({ id }: AdoptRequest): Promise<Shim | ProcessExit> {
    const found = await (this.silent.get(id)?.promise ?? this.orphans.get(id));
    if (found === undefined) throw new EngineError("notFound", `no shim of ${id}`);
    return found;
  }

  async kill(id: string): Promise<void> {
    this.silent.get(id)?.reject(gone());
    this.created.get(id)?.lose();
  }

  async clean(id: string): Promise<void> {
    this.cleaned.push(id);
  }

  get(id: string): FakeShim {
    const shim = this.created.get(id);
    if (shim === undefined) throw gone();
    return shim;
  }
}
