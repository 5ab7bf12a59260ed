// What the engine tells: lists, inspect, logs, files, the system, and what it says when something is wrong.

import { testWalks } from "./walks.ts";

testWalks(["errors", "files", "images", "inspect", "logs", "ps", "system"]);
