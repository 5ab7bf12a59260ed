// Address families as the kernel numbers them (linux/socket.h).

import type { Family } from "../ip-prefix.ts";

export const ADDRESS_FAMILY: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };

/** undefined for a family without addresses that we know. */
export function familyOf(number: number | undefined): Family | undefined {
  if (number === ADDRESS_FAMILY[4]) return 4;
  return number === ADDRESS_FAMILY[6] ? 6 : undefined;
}
