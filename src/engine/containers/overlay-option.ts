import type { Mount } from "#spec/oci-runtime.ts";

/** The directories of a snapshot's overlay; undefined for a mount without. */
export const overlayOption = (
  { options = [] }: Mount,
  key: "lowerdir" | "upperdir" | "workdir",
): string | undefined => options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
