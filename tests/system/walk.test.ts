import { containerdModes } from "./engine.ts";
import { walkSuite } from "./walk.suite.ts";

for (const mode of containerdModes) walkSuite(mode);
