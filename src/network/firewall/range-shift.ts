// A published range whose ports are other ones in the container, in the terms of the kernel's NAT.
//
// The kernel computes  port = first + (old port modulo size)  where [first, first + size - 1] is the range that it is given. A stretch of
// host ports that does not cross a multiple of the size is moved as a whole. One stretch is enough unless the range begins below its own length.

/** Inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Shift {
  readonly hostPorts: PortRange;
  /** What the kernel's NAT is told. */
  readonly to: PortRange;
}

/** `containerPort` is where the first of the host's ports leads. */
export function planShift(hostPorts: PortRange, containerPort: number): readonly Shift[] {
  const down = hostPorts.first - containerPort;
  if (down <= 0) return [{ hostPorts, to: { first: -down, last: hostPorts.last - down } }];
  const shifts: Shift[] = [];
  for (let first = hostPorts.first; first <= hostPorts.last; ) {
    const size = Math.min(first, Math.floor((65_536 + down) / 2));
    const last = Math.min(hostPorts.last, 2 * size - 1);
    shifts.push({ hostPorts: { first, last }, to: { first: size - down, last: 2 * size - down - 1 } });
    first = last + 1;
  }
  return shifts;
}
