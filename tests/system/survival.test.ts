import { containerdModes } from "./engine.ts";
import { survivalSuite } from "./survival.suite.ts";

for (const mode of containerdModes) survivalSuite(mode);
