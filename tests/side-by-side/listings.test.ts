// What the engine tells: lists, inspect, the system, and what it says when something is wrong.

import { testWalks } from "./walks.ts";

testWalks(["errors", "inspect", "ps", "system"]);
