// What a sandbox has published: given back as a whole, or port by port.

import type { BoundPort } from "../controller.ts";

/** What one mapping came to: a port of each family. */
export interface PublishedPart {
  readonly ports: readonly BoundPort[];
  /** Gives the ports back. */
  close(): void;
}

export class PublishedPorts {
  #parts: readonly PublishedPart[];

  constructor(parts: readonly PublishedPart[]) {
    this.#parts = parts;
  }

  get ports(): readonly BoundPort[] {
    return this.#parts.flatMap(({ ports }) => ports);
  }

  /** Gives back those, and what was published together with them; returns what is given back. */
  withdraw(ports: readonly BoundPort[]): readonly BoundPort[] {
    const isMeant = (part: PublishedPart): boolean => part.ports.some((port) => ports.includes(port));
    const meant = this.#parts.filter(isMeant);
    this.#parts = this.#parts.filter((part) => !meant.includes(part));
    for (const part of meant) part.close();
    return meant.flatMap((part) => part.ports);
  }

  /** Takes over what the other one has. */
  add(other: PublishedPorts): void {
    this.#parts = [...this.#parts, ...other.#parts];
    other.#parts = [];
  }

  /** Gives all of them back. */
  close(): void {
    for (const part of this.#parts) part.close();
    this.#parts = [];
  }
}
