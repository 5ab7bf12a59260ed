// Names that stand for addresses: "2.0.18.172.in-addr.arpa" (RFC 1035), and each hexadecimal digit backwards below "ip6.arpa" (RFC 3596).

import { formatAddress, readAddress } from "../ip-prefix.ts";

const IPV4 = ".in-addr.arpa";
const IPV6 = ".ip6.arpa";
const IPV6_DIGITS = 32;

/** The address that a name in lower case stands for; undefined if it is none, or a part of one. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith(IPV4)) {
    const parts = name.slice(0, -IPV4.length).split(".").reverse();
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
      return undefined;
    return textOf(Uint8Array.from(parts.map(Number)));
  }
  if (!name.endsWith(IPV6)) return undefined;
  const digits = name.slice(0, -IPV6.length).split(".").reverse();
  if (digits.length !== IPV6_DIGITS || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  return textOf(Buffer.from(digits.join(""), "hex"));
}

function textOf(bytes: Uint8Array): string | undefined {
  const address = readAddress(bytes);
  return address && formatAddress(address);
}
