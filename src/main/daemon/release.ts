// The version of this build; tools/build.ts fills in what only it knows.

import type { Release } from "#engine/system/release.ts";

export const currentRelease = (): Release => ({
  version: "0.1.0",
  gitCommit: process.env.GANTRY_GIT_COMMIT ?? "",
  buildTime: process.env.GANTRY_BUILD_TIME ?? "1970-01-01T00:00:00.000Z",
});
