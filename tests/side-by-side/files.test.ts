// Files, images and logs of containers.

import { testWalks } from "./walks.ts";

testWalks(["files", "logs"]);
