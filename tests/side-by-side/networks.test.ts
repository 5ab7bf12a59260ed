// Networks of the user, and containers on them.

import { testWalks } from "./walks.ts";

testWalks(["networks", "ports", "names", "addresses"]);
