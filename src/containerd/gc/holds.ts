// Objects made without a lease are kept for a while, so that what refers to them can be made after them.

import { type Node, nodeName } from "./references.ts";

const holdTime = 5 * 60_000;

export class Holds {
  readonly #until = new Map<
    string,
    { readonly namespace: string; readonly node: Node; readonly until: number }
  >();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(namespace: string, node: Node): void {
    this.#until.set(`${namespace}\0${nodeName(node)}`, { namespace, node, until: this.#now() + holdTime });
  }

  /** It is referred to now (or over-age): from here on its references decide. */
  settle(isReached: (namespace: string, node: Node) => boolean): void {
    const now = this.#now();
    for (const [name, { namespace, node, until }] of this.#until)
      if (until <= now || isReached(namespace, node)) this.#until.delete(name);
  }

  list(namespace: string): readonly Node[] {
    return [...this.#until.values()].filter((hold) => hold.namespace === namespace).map(({ node }) => node);
  }

  /** Milliseconds until the next hold ends, undefined if there is none. */
  get next(): number | undefined {
    const first = Math.min(...[...this.#until.values()].map(({ until }) => until));
    return Number.isFinite(first) ? Math.max(0, first - this.#now()) : undefined;
  }
}
