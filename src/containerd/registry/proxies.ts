// Which proxy a request goes through: the daemon's environment and its keys, by the rules that Go programs share
// (golang.org/x/net/http/httpproxy): loopback is never proxied, NO_PROXY lists names, domains, addresses and networks.

import { BlockList, isIP } from "node:net";
import { systemError } from "#base/errors.ts";

export interface ProxySettings {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** undefined: directly. Throws for a proxy of a kind that there is not. */
export type ProxyFor = (url: URL) => URL | undefined;

/** The settings are read each time: they may change. */
export function chooseProxies(settings: () => ProxySettings): ProxyFor {
  return (url) => {
    const { httpProxy, httpsProxy, noProxy } = settings();
    const proxy = url.protocol === "https:" ? httpsProxy : httpProxy;
    return proxy === "" || isDirect(url, noProxy) ? undefined : parseProxy(proxy);
  };
}

/** "proxy:3128" is one, too. */
function parseProxy(text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url?.protocol.startsWith("socks5")) throw systemError("proxies by SOCKS are not supported");
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "")
    throw systemError(`invalid proxy address ${JSON.stringify(withoutPassword(text))}`);
  return url;
}

const withoutPassword = (text: string): string => text.replace(/\/\/[^/]*@/, "//");

function isDirect(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (host === "localhost" || isLoopback(host)) return true;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return noProxy.split(",").some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

const isLoopback = (host: string): boolean => (isIP(host) === 4 ? host.startsWith("127.") : host === "::1");

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  const network = /^(.+)\/([0-9]+)$/.exec(entry);
  if (network !== null) return isWithin(host, network[1] ?? "", Number(network[2]));
  const [, bracketed, plain = "", wanted] = /^(?:\[([^\]]*)\]|(.*?))(?::([0-9]+))?$/.exec(entry) ?? [];
  const name = isIP(entry) === 6 ? entry : (bracketed ?? plain);
  if (isIP(entry) !== 6 && wanted !== undefined && wanted !== port) return false;
  if (isIP(name) !== 0) return name === host;
  const domain = name.replace(/^\*(?=\.)/, "");
  return domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const family = isIP(host);
  if (family === 0 || isIP(network) !== family || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? "ipv4" : "ipv6");
  return list.check(host, family === 4 ? "ipv4" : "ipv6");
}
