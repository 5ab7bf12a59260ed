import type { RdmaEntry } from "./stats.ts";

/** The same files in both versions. */
export const readRdma = (
  read: (file: string) => string,
): { readonly limit: readonly RdmaEntry[]; readonly current: readonly RdmaEntry[] } => ({
  limit: parseRdma(read("max")),
  current: parseRdma(read("current")),
});

const MAX_U32 = 2 ** 32 - 1;

/** Lines "mlx4_0 hca_handle=2 hca_object=max". */
export const parseRdma = (text: string): readonly RdmaEntry[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [device = "", ...fields] = line.split(" ");
      const values = new Map(fields.map((field) => [field.split("=")[0], field.split("=")[1] ?? ""]));
      const count = (name: string): number =>
        values.get(name) === "max" ? MAX_U32 : Number(values.get(name) ?? 0);
      return { device, hca_handles: count("hca_handle"), hca_objects: count("hca_object") };
    });
