// Networks by id, name or unambiguous beginning of an id, with Docker's errors.

import { EngineError, invalid } from "#base/errors.ts";

const networkMissing = (name: string): EngineError =>
  new EngineError("notFound", `network ${name} not found`);

interface Named {
  readonly record: { readonly id: string; readonly name: string };
}

/** In the order in which they were added. */
export class NetworkIndex<T extends Named> {
  readonly #byId = new Map<string, T>();
  readonly #byName = new Map<string, T>();

  add(network: T): void {
    this.#byId.set(network.record.id, network);
    this.#byName.set(network.record.name, network);
  }

  delete({ record: { id, name } }: T): void {
    this.#byId.delete(id);
    this.#byName.delete(name);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  all(): readonly T[] {
    return [...this.#byId.values()];
  }

  find(nameOrId: string): T | undefined {
    const [first, ...more] = this.#matches(nameOrId);
    return more.length > 0 ? undefined : first;
  }

  #matches(nameOrId: string): readonly T[] {
    const exact = this.#byId.get(nameOrId) ?? this.#byName.get(nameOrId);
    if (exact !== undefined) return [exact];
    return nameOrId === "" ? [] : this.all().filter(({ record }) => record.id.startsWith(nameOrId));
  }

  get(nameOrId: string): T {
    const [first, ...more] = this.#matches(nameOrId);
    if (first === undefined) throw networkMissing(nameOrId);
    if (more.length > 0)
      throw invalid(`network ${nameOrId} is ambiguous (${more.length + 1} matches found based on ID prefix)`);
    return first;
  }
}
