// An attack is tried twice: on the build as it is, where it must fail, and on a weakened one, where it must succeed.

import { test } from "node:test";
import { skip } from "../libcontainer/container-machine.ts";
import { type AttackedMachine, startAttackedMachine, type Weakening } from "./weakened.ts";

export type Build = "whole" | "weakened";

export interface Attack {
  readonly name: string;
  readonly weakening: Weakening;
  /** What the attack gains; "" if it fails. Throws if it could not be tried. One that needs luck has more tries on the weakened build. */
  attempt(machine: AttackedMachine, build: Build): Promise<string>;
  readonly skip?: false | string;
}

export function testAttack({ name, weakening, attempt, skip: reason = false }: Attack): void {
  const skipped = skip || reason;
  test(name, { skip: skipped }, async ({ assert }) => {
    await using machine = await startAttackedMachine();
    assert.equal(await attempt(machine, "whole"), "");
  });
  test(`weakened: ${name}`, { skip: skipped }, async ({ assert }) => {
    await using machine = await startAttackedMachine(weakening);
    assert.notEqual(await attempt(machine, "weakened"), "");
  });
}
