// What a daemon with --experimental says of checkpoints, up to criu.

import { testWalks } from "./walks.ts";

testWalks(["checkpoints"], { experimental: true });
