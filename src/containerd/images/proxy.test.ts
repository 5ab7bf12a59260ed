import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { imagesSuite } from "./images.suite.ts";

imagesSuite("proxy", openProxiedContainerd);
