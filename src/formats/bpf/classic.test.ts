import assert from "node:assert/strict";
import { test } from "node:test";
import { ClassicProgram } from "./classic.ts";
import { runClassicProgram } from "./interpreter.ts";

const word = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

test("an instruction is eight bytes, little endian: code, jumps, value", () => {
  const program = new ClassicProgram();
  program.load(4);
  program.return(0x7fff0000);
  assert.deepEqual([...program.assemble()], [0x20, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
});

for (const gap of [1, 252, 253, 254, 255, 256, 1000])
  test(`both sides of a branch arrive ${gap} instructions away`, () => {
    const program = new ClassicProgram();
    program.load(0);
    program.branch("equal", 5, { yes: "five", no: "other" });
    for (let count = 0; count < gap; count++) program.return(99);
    program.label("five");
    program.return(1);
    program.label("other");
    program.return(2);
    const bytes = program.assemble();
    assert.equal(runClassicProgram(bytes, word(5)), 1);
    assert.equal(runClassicProgram(bytes, word(6)), 2);
  });

for (const [side, taken] of [
  ["yes", 5],
  ["no", 6],
] as const)
  test(`a branch with only its ${side} far away goes on at the next instruction otherwise`, () => {
    const program = new ClassicProgram();
    program.load(0);
    program.branch("equal", 5, { [side]: "far" });
    for (let count = 0; count < 300; count++) program.return(3);
    program.label("far");
    program.return(4);
    const bytes = program.assemble();
    assert.equal(runClassicProgram(bytes, word(taken)), 4);
    assert.equal(runClassicProgram(bytes, word(11 - taken)), 3);
  });

test("comparisons are unsigned", () => {
  const program = new ClassicProgram();
  program.load(0);
  program.branch("greater", 0x7fffffff, { no: "small" });
  program.return(1);
  program.label("small");
  program.return(2);
  assert.equal(runClassicProgram(program.assemble(), word(0xffffffff)), 1);
});

test("a program longer than the kernel takes is refused", () => {
  const program = new ClassicProgram();
  for (let count = 0; count <= 4096; count++) program.return(0);
  assert.throws(() => program.assemble(), /4097 instructions/);
});
