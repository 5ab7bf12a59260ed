import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { containersSuite } from "./containers.suite.ts";

containersSuite("proxy", openProxiedContainerd);
