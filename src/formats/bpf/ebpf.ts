// Assembler for extended BPF (struct bpf_insn), as much as programs without maps and loops need.

export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

const OP = {
  load32: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  mov32: 0xb4, // BPF_ALU | BPF_MOV | BPF_K
  mov32Register: 0xbc,
  and32: 0x54,
  shiftRight32: 0x74,
  jumpEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  jumpNotEqual: 0x55,
  exit: 0x95,
} as const;

interface Instruction {
  readonly code: number;
  readonly target: Register;
  readonly source: Register;
  readonly offset: number;
  readonly value: number;
  readonly label?: string;
}

/** Collects instructions; jumps name labels that are set later. */
export class EbpfProgram {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  #add(code: number, fields: Partial<Omit<Instruction, "code">>): this {
    this.#instructions.push({ code, target: 0, source: 0, offset: 0, value: 0, ...fields });
    return this;
  }

  /** target = *(u32 *)(source + offset) */
  load32(target: Register, source: Register, offset: number): this {
    return this.#add(OP.load32, { target, source, offset });
  }

  set32(target: Register, value: number): this {
    return this.#add(OP.mov32, { target, value });
  }

  copy32(target: Register, source: Register): this {
    return this.#add(OP.mov32Register, { target, source });
  }

  and32(target: Register, value: number): this {
    return this.#add(OP.and32, { target, value });
  }

  shiftRight32(target: Register, value: number): this {
    return this.#add(OP.shiftRight32, { target, value });
  }

  jumpIfEqual(register: Register, value: number, label: string): this {
    return this.#add(OP.jumpEqual, { target: register, value, label });
  }

  jumpIfNotEqual(register: Register, value: number, label: string): this {
    return this.#add(OP.jumpNotEqual, { target: register, value, label });
  }

  exit(): this {
    return this.#add(OP.exit, {});
  }

  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  assemble(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [index, instruction] of this.#instructions.entries()) {
      const at = index * 8;
      view.setUint8(at, instruction.code);
      view.setUint8(at + 1, instruction.target | (instruction.source << 4));
      view.setInt16(at + 2, this.#offsetOf(instruction, index), true);
      view.setInt32(at + 4, instruction.value | 0, true);
    }
    return bytes;
  }

  #offsetOf({ label, offset }: Instruction, index: number): number {
    if (label === undefined) return offset;
    const target = this.#labels.get(label);
    if (target === undefined) throw new Error(`label ${label} is not set`);
    return target - index - 1;
  }
}
