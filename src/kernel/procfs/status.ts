// /proc/PID/status: the fields that are asked for.

export interface ProcessStatus {
  readonly state: string;
  /** Capability masks: bit n is capability n. */
  readonly capInheritable: bigint;
  readonly capPermitted: bigint;
  readonly capEffective: bigint;
  readonly capBounding: bigint;
  readonly capAmbient: bigint;
}

export function parseStatus(text: string): ProcessStatus {
  const mask = (name: string): bigint => BigInt(`0x${field(text, name) || "0"}`);
  return {
    state: field(text, "State").slice(0, 1),
    capInheritable: mask("CapInh"),
    capPermitted: mask("CapPrm"),
    capEffective: mask("CapEff"),
    capBounding: mask("CapBnd"),
    capAmbient: mask("CapAmb"),
  };
}

const field = (text: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
