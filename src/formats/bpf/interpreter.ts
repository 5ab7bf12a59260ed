// Runs classic BPF as the kernel does, as far as filters of system calls go: for tests, and to ask a filter what it would say.

import { OPCODE } from "./classic.ts";

const INSTRUCTION_SIZE = 8;

/** What the program returns for the input. Throws for a program that the kernel would refuse. */
export function runClassicProgram(program: Uint8Array, input: Uint8Array): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.byteLength; at += INSTRUCTION_SIZE) {
    const value = code.getUint32(at + 4, true);
    const opcode = code.getUint16(at, true);
    if (opcode === OPCODE.return) return value;
    if (opcode === OPCODE.load) accumulator = data.getUint32(value, true);
    else if (opcode === OPCODE.and) accumulator = (accumulator & value) >>> 0;
    else if (opcode === OPCODE.jump) at += value * INSTRUCTION_SIZE;
    else at += code.getUint8(at + (holds(opcode, accumulator, value) ? 2 : 3)) * INSTRUCTION_SIZE;
  }
  throw new RangeError("the program ends without an answer");
}

function holds(opcode: number, accumulator: number, value: number): boolean {
  switch (opcode) {
    case OPCODE.equal:
      return accumulator === value;
    case OPCODE.greater:
      return accumulator > value;
    case OPCODE.greaterOrEqual:
      return accumulator >= value;
    case OPCODE.anyBit:
      return (accumulator & value) !== 0;
    default:
      throw new RangeError(`unknown instruction 0x${opcode.toString(16)}`);
  }
}
