// Steps of operations that tell what is in a tree of files, hostile and changing as it may be.

import type { Assembler, Register } from "./assembler.ts";
import type { Compilers } from "./compilers.ts";
import { open, type Place, stat, typeIn } from "./files.ts";
import { EISDIR, ENOENT, ENOTDIR, O_NOFOLLOW, O_PATH, S_IFDIR } from "./kernel.table.ts";
import { constants } from "./steps.table.ts";

const openItself = (code: Assembler, place: Place, looks = false): Register =>
  open(code, { ...place, flags: O_PATH | O_NOFOLLOW, looks });

export const trees = {
  checkKind: (code, op) => {
    const end = code.label();
    const fd = openItself(code, op, true);
    code.skip(fd, "==", -ENOENT, end);
    code.when(fd, "<", 0, () => code.fail("openat2", fd));
    const [wanted, errno] = op.directory ? (["!=", ENOTDIR] as const) : (["==", EISDIR] as const);
    code.when(typeIn(code, stat(code, fd)), wanted, S_IFDIR, () => code.fail("openat2", errno));
    code.place(end);
  },
  stat: (code, op) => {
    if (op.missingOk === true) code.mark(constants.MARK_MISSING_OK);
    code.native("stat", [openItself(code, op)]);
  },
  readTree: (code, op) => void code.native("read_tree", [openItself(code, op), op.content ? 1 : 0]),
} satisfies Partial<Compilers>;
