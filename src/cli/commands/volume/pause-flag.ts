import { toggle } from "../../grammar/flags.ts";

/** Of commands that copy a volume. */
export const pauseFlag = toggle("pause", {
  short: "p",
  shown: "true",
  about: "Pause containers that write to the volume while it is copied",
});
