// A connection through the user's own ssh: on the other machine `docker system dial-stdio` joins its standard streams to
// the daemon's socket. Keys, jump hosts and the like are what ~/.ssh/config says.

import type { ChildProcess } from "node:child_process";
import { Duplex } from "node:stream";
import { ConnectionError } from "./api-error.ts";

/** The words of the command for "ssh://[user@]host[:port][/path of the socket]". Throws an Error in Docker's words. */
export function parseSshHost(text: string): readonly string[] {
  const invalid = (reason: string): Error =>
    new Error(`ssh host connection is not valid: invalid SSH URL: ${reason}`);
  const [, user, password, host = "", port, path = "", query, fragment] =
    /^ssh:\/\/(?:([^@/:]*)(:[^@/]*)?@)?(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?(\/[^?#]*)?(\?[^#]*)?(#.*)?$/.exec(
      text,
    ) ?? [];
  if (password !== undefined) throw invalid("plain-text password is not supported");
  if (host === "") throw invalid("hostname is empty");
  if (host.startsWith("-")) throw invalid(`hostname may not start with a dash: ${JSON.stringify(host)}`);
  if (query !== undefined)
    throw invalid(`query parameters are not allowed: ${JSON.stringify(query.slice(1))}`);
  if (fragment !== undefined)
    throw invalid(`fragments are not allowed: ${JSON.stringify(fragment.slice(1))}`);
  const socket = path === "" || path === "/" ? [] : ["--host", shellWord(`unix://${path}`)];
  return [
    ...["ssh", "-o", "ConnectTimeout=30", "-T"],
    ...(user === undefined || user === "" ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", port]),
    ...["--", host.replace(/^\[|\]$/g, ""), "docker", ...socket, "system", "dial-stdio"],
  ];
}

/** For the shell at the other end, which joins the words that ssh hands over. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

const STDERR_LIMIT = 4096;

/** What Node's HTTP client calls on a socket, besides what a stream has. */
class CommandConnection extends Duplex {
  readonly #child: ChildProcess;
  readonly #words: readonly string[];
  #stderr = "";

  constructor(words: readonly string[]) {
    super({ allowHalfOpen: true });
    this.#words = words;
    const { spawn } = process.getBuiltinModule("node:child_process");
    const [program = "", ...rest] = words;
    // In a session of its own: an interrupt of the user is ours to handle.
    const child = spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_LIMIT);
    });
    child.stdin.on("error", () => undefined); // its exit tells more
    child.on("error", (error) => this.destroy(this.#failure(error.message)));
    child.on("close", (code) => {
      if (code === 0) this.push(null);
      else this.destroy(this.#failure(`exit status ${code}`)); // which says more than that the connection ended
    });
  }

  #failure(reason: string): Error {
    return new ConnectionError(
      `error during connect: command [${this.#words.join(" ")}] has exited with ${reason}, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=${this.#stderr}`,
      "",
      undefined,
    );
  }

  override _read(): void {
    this.#child.stdout?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin?.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin?.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#child.ref();
    return this;
  }

  unref(): this {
    this.#child.unref();
    return this;
  }
}

/** The caller ends and destroys the connection, which ends the command. */
export const connectCommand = (words: readonly string[]): Duplex => new CommandConnection(words);
