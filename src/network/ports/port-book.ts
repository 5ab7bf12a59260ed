// Which ports of the host the containers of this engine have. A range is one entry.

export interface PortSpan {
  readonly proto: string;
  readonly hostIp: string;
  readonly first: number;
  readonly last: number;
}

const isWildcard = (address: string): boolean => address === "0.0.0.0" || address === "::";
const isIpv6 = (address: string): boolean => address.includes(":");

export const withBrackets = (address: string): string => (isIpv6(address) ? `[${address}]` : address);

/** Another container of this engine has the port; the message is Docker's. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";

  constructor(hostIp: string, port: number) {
    super(`Bind for ${withBrackets(hostIp)}:${port} failed: port is already allocated`);
  }
}

const familyOf = ({ proto, hostIp }: PortSpan): string => `${proto}${isIpv6(hostIp) ? "6" : ""}`;
const collide = (one: string, other: string): boolean =>
  one === other || isWildcard(one) || isWildcard(other);

export class PortBook {
  /** Single ports, by port and family: who has it. */
  readonly #single = new Map<string, readonly string[]>();
  readonly #ranges = new Map<string, readonly PortSpan[]>();

  /** Throws PortTakenError. Gives it back when it is disposed. */
  take(span: PortSpan): Disposable {
    const port = this.#collision(span);
    if (port !== undefined) throw new PortTakenError(span.hostIp, port);
    return span.first === span.last ? this.#takeSingle(span) : this.#takeRange(span);
  }

  #collision(span: PortSpan): number | undefined {
    const { hostIp, first, last } = span;
    const family = familyOf(span);
    const range = this.#ranges
      .get(family)
      ?.find((other) => collide(other.hostIp, hostIp) && other.first <= last && first <= other.last);
    if (range !== undefined) return Math.max(range.first, first);
    for (let port = first; port <= last; port++)
      if (this.#single.get(`${port}/${family}`)?.some((other) => collide(other, hostIp)) === true)
        return port;
    return undefined;
  }

  #takeSingle(span: PortSpan): Disposable {
    const key = `${span.first}/${familyOf(span)}`;
    this.#single.set(key, [...(this.#single.get(key) ?? []), span.hostIp]);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#single.get(key) ?? []).filter((other) => other !== span.hostIp);
        if (left.length === 0) this.#single.delete(key);
        else this.#single.set(key, left);
      },
    };
  }

  #takeRange(span: PortSpan): Disposable {
    const family = familyOf(span);
    this.#ranges.set(family, [...(this.#ranges.get(family) ?? []), span]);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#ranges.get(family) ?? []).filter((other) => other !== span);
        this.#ranges.set(family, left);
      },
    };
  }
}
