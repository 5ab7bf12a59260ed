// Operations -> what native/ runs: an operation is a short program, whose steps are nearly all system calls. All is decided here.

import { claimed } from "#base/decode.ts";
import type { Op } from "../ops.ts";
import type { WireWriter } from "../wire.ts";
import { Archive, archivesOf } from "./archives.ts";
import { Assembler } from "./assembler.ts";
import type { Compilers } from "./compilers.ts";
import { credentials } from "./credentials.ts";
import { descriptors } from "./descriptors.ts";
import { files } from "./file-operations.ts";
import { EBADMSG } from "./kernel.table.ts";
import { mounts } from "./mounts.ts";
import { network } from "./network.ts";
import { processes } from "./processes.ts";
import { readiness } from "./readiness.ts";

const common = {
  ...processes,
  ...descriptors,
  ...readiness,
  ...mounts,
  ...files,
  ...credentials,
  ...network,
};

/** For the operations of one plan or stream, in their order: entries of an archive build on each other. */
export class OpCompiler {
  readonly #code = new Assembler();
  readonly #archive = new Archive();
  readonly #compilers: Compilers = { ...common, ...archivesOf(this.#archive) };

  compile(op: Op, to: WireWriter): void {
    const code = this.#code;
    code.begin(op);
    if (this.#archive.incomplete && op.op !== "fileData") code.fail("write", EBADMSG);
    if (op.op === "removeTree") this.#archive.forgetParent();
    claimed<(assembler: Assembler, op: Op) => void>(this.#compilers[op.op])(code, op);
    if (op.mayFail === true) this.#archive.forgetParent();
    code.write(to);
  }

  /** An operation that fails if the archive ended too early. */
  end(to: WireWriter): void {
    if (!this.#archive.incomplete) return;
    this.#code.begin({});
    this.#code.fail("write", EBADMSG);
    this.#code.write(to);
  }
}
