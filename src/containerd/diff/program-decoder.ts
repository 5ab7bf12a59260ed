// Compressions that Node does not have are undone by the machine's programs, as dockerd does it for xz: a process of nobody's,
// which sees the archive on its standard input and nothing else.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { Duplex, type Readable, type Writable } from "node:stream";
import { TarError } from "#formats/tar-entry.ts";

export type ProgramCompression = "bzip2" | "xz";

/** xz's own dictionary may have gigabytes. */
const XZ_MEMORY = "512MiB";
const commands: Readonly<Record<ProgramCompression, readonly string[]>> = {
  bzip2: ["-d", "-c"],
  xz: ["-d", "-c", "-q", `--memlimit-decompress=${XZ_MEMORY}`],
};
const NOBODY = 65534;
const MAX_WORDS = 1000;

/** Fails with a TarError: what the program said, or that there is none. */
export class ProgramDecoder extends Duplex {
  readonly #program: ChildProcessByStdio<Writable, Readable, Readable>;
  #words = "";

  constructor(compression: ProgramCompression) {
    super();
    const isRoot = process.getuid?.() === 0;
    this.#program = spawn(compression, commands[compression], {
      cwd: "/",
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      stdio: ["pipe", "pipe", "pipe"],
      ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    });
    const { stdin, stdout, stderr } = this.#program;
    stdin.on("error", () => undefined); // the program has ended: its exit tells why
    stderr.on("data", (said: unknown) => {
      this.#words = (this.#words + String(said)).slice(0, MAX_WORDS);
    });
    stdout.on("data", (chunk: unknown) => {
      if (!this.push(chunk)) stdout.pause();
    });
    this.#program.once("error", (cause) => {
      const why = unstartable["code" in cause ? String(cause.code) : ""] ?? cause.message;
      this.destroy(new TarError(`exec: "${compression}": ${why}`, { cause }));
    });
    this.#program.once("close", (code, signal) => {
      if (code === 0) this.push(null);
      else this.destroy(new TarError(explained(compression, ended(code, signal), this.#words.trim())));
    });
  }

  override _read(): void {
    this.#program.stdout.resume();
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    // A program that has ended takes no more: not what this stream fails by.
    this.#program.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#program.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#program.kill("SIGKILL");
    done(error);
  }
}

const unstartable: Readonly<Record<string, string>> = {
  ENOENT: "executable file not found in $PATH",
  EACCES: "permission denied",
};

/** Docker reads bzip2 itself, and has these words for it. */
function explained(compression: ProgramCompression, end: string, words: string): string {
  if (compression === "xz" || words === "") return `${end}: ${words}`;
  if (words.includes("ends unexpectedly")) return "unexpected EOF";
  const [first = ""] = words.split("\n");
  return `bzip2 data invalid: ${first.replace(/^bzip2: /, "")}`;
}

const ended = (code: number | null, signal: NodeJS.Signals | null): string =>
  code === null ? `signal: ${signal}` : `exit status ${code}`;
