// Assembler for classic BPF (struct sock_filter), as filters of system calls use it.
//
// All jumps go forward. The program is therefore put together from its end: whatever an instruction jumps to has its place already,
// and a conditional jump whose 8-bit offset does not reach goes by way of a jump beside it (BPF_JA has 32 bits).

export type Test = "equal" | "greater" | "greaterOrEqual" | "anyBit";

/** Code of each instruction that the assembler writes; the interpreter reads the same. */
export const OPCODE = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  jump: 0x05, // BPF_JMP | BPF_JA
  equal: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  greater: 0x25,
  greaterOrEqual: 0x35,
  anyBit: 0x45,
  return: 0x06, // BPF_RET | BPF_K
} as const;

/** Where a branch goes; undefined is the next instruction. */
type Target = string | undefined;

type Item =
  | { readonly kind: "plain"; readonly code: number; readonly value: number }
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "branch"; readonly code: number; readonly value: number; readonly targets: Targets };

interface Targets {
  readonly yes: Target;
  readonly no: Target;
}

/** BPF_MAXINSNS: the kernel takes no longer program. */
const MAX_INSTRUCTIONS = 4096;
const INSTRUCTION_SIZE = 8;
/** Leaves room for two jumps beside a conditional one. */
const NEAR = 253;

export class ClassicProgram {
  readonly #items: Item[] = [];
  #labels = 0;

  /** A name for a place that is not set yet. */
  newLabel(): string {
    return `#${this.#labels++}`;
  }

  /** The 32 bits at `offset` of the input. */
  load(offset: number): void {
    this.#items.push({ kind: "plain", code: OPCODE.load, value: offset });
  }

  and(mask: number): void {
    this.#items.push({ kind: "plain", code: OPCODE.and, value: mask });
  }

  return(value: number): void {
    this.#items.push({ kind: "plain", code: OPCODE.return, value });
  }

  branch(test: Test, value: number, targets: Partial<Targets>): void {
    const { yes, no } = targets;
    this.#items.push({ kind: "branch", code: OPCODE[test], value, targets: { yes, no } });
  }

  label(name: string): void {
    this.#items.push({ kind: "label", name });
  }

  /** struct sock_filter[], little endian. Throws when the kernel would not take so many instructions. */
  assemble(): Uint8Array {
    const tail = new Tail();
    for (const item of this.#items.toReversed()) tail.prepend(item);
    return tail.encode();
  }
}

interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly value: number;
}

/** The end of a program, last instruction first. */
class Tail {
  readonly #instructions: Instruction[] = [];
  readonly #places = new Map<string, number>();

  prepend(item: Item): void {
    switch (item.kind) {
      case "label":
        this.#places.set(item.name, this.#instructions.length);
        return;
      case "plain":
        this.#add(item.code, item.value);
        return;
      case "branch":
        this.#prependBranch(item.code, item.value, item.targets);
        return;
      default:
        item satisfies never;
    }
  }

  #prependBranch(code: number, value: number, targets: Targets): void {
    const yes = this.#distance(targets.yes);
    const no = this.#distance(targets.no);
    let beside = 0;
    const far = (distance: number): boolean => distance > NEAR;
    if (far(no)) this.#add(OPCODE.jump, no + beside++);
    if (far(yes)) this.#add(OPCODE.jump, yes + beside++);
    this.#instructions.push({
      code,
      value,
      yes: far(yes) ? 0 : yes + beside,
      no: far(no) ? beside - 1 : no + beside,
    });
  }

  #add(code: number, value: number): void {
    this.#instructions.push({ code, yes: 0, no: 0, value });
  }

  #distance(target: Target): number {
    if (target === undefined) return 0;
    const place = this.#places.get(target);
    if (place === undefined) throw new Error(`no label ${target} ahead`);
    return this.#instructions.length - place;
  }

  encode(): Uint8Array {
    const instructions = this.#instructions.toReversed();
    if (instructions.length > MAX_INSTRUCTIONS)
      throw new RangeError(
        `a filter of ${instructions.length} instructions: the kernel takes ${MAX_INSTRUCTIONS}`,
      );
    const bytes = new Uint8Array(instructions.length * INSTRUCTION_SIZE);
    const view = new DataView(bytes.buffer);
    for (const [index, { code, yes, no, value }] of instructions.entries()) {
      const at = index * INSTRUCTION_SIZE;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, yes);
      view.setUint8(at + 3, no);
      view.setUint32(at + 4, value, true);
    }
    return bytes;
  }
}
