// What a container can be made of, option by option.

import { testWalks } from "./walks.ts";

testWalks(["run", "options", "volumes", "mounts"]);
