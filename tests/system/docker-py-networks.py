# Run by libraries.test.ts inside the engine's network namespace: networks, ports and volumes with the options that docker-py has for them. An
# assertion ends it.

import socket

import docker
from docker.types import DriverConfig, IPAMConfig, IPAMPool, Mount

client = docker.from_env(timeout=60, version="1.44")  # it has no way to tell a MAC address as versions since 1.52 want it


def inside(container, script):
    result = container.exec_run(["sh", "-c", script])
    assert result.exit_code == 0, result.output
    return result.output.decode()


def refused(words, work):
    try:
        work()
    except docker.errors.APIError as error:
        assert words in error.explanation, error.explanation
        return
    raise AssertionError(f"not refused: {words}")


def make_network():
    pools = [
        IPAMPool(subnet="10.48.0.0/24", iprange="10.48.0.128/25", gateway="10.48.0.1", aux_addresses={"router": "10.48.0.2"}),
        IPAMPool(subnet="fd48::/64", gateway="fd48::1"),
    ]
    network = client.networks.create(
        "options", driver="bridge", ipam=IPAMConfig(pool_configs=pools), enable_ipv6=True, attachable=True, scope="local",
        labels={"kind": "options"}, options={"com.docker.network.bridge.name": "py0", "com.docker.network.container_iface_prefix": "lan"},
    )
    assert network.attrs["EnableIPv6"] and network.attrs["Attachable"] and network.attrs["Labels"] == {"kind": "options"}
    assert [pool["Subnet"] for pool in network.attrs["IPAM"]["Config"]] == ["10.48.0.0/24", "fd48::/64"]
    assert [found.name for found in client.networks.list(filters={"label": "kind=options"})] == ["options"]
    refused("already exists", lambda: client.networks.create("options", check_duplicate=True))
    refused("Pool overlaps", lambda: client.networks.create("other", ipam=IPAMConfig(pool_configs=pools[:1])))
    refused("not found", lambda: client.networks.create("other", driver="nosuch"))
    refused("swarm", lambda: client.networks.create("other", scope="swarm"))
    return network


def make_volumes():
    client.volumes.create("memory", driver="local", driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}, labels={"a": "b"})
    assert [found.name for found in client.volumes.list(filters={"label": "a=b"})] == ["memory"]
    refused("nosuch", lambda: client.volumes.create("other", driver_opts={"nosuch": "1"}))
    return [
        Mount("/memory", "memory"),
        Mount("/made", "made", labels={"made": "yes"}, no_copy=True, driver_config=DriverConfig("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"})),
        Mount("/host", "/etc/hostname", type="bind", read_only=True, propagation="rprivate"),
        Mount("/tmpfs", None, type="tmpfs", tmpfs_size=3 << 20, tmpfs_mode=0o700),
    ]


def make_container(mounts):
    return client.containers.run(
        "busybox", ["sleep", "1000"], name="member", detach=True, network="options", hostname="host", domainname="example.org",
        mac_address="02:00:00:00:00:48", dns=["192.0.2.53"], dns_search=["corp.example"], dns_opt=["timeout:2"],
        extra_hosts={"elsewhere": "192.0.2.9"}, mounts=mounts, tmpfs={"/scratch": "size=1m"},
        ports={"80/tcp": 18480, "81/udp": ("127.0.0.1", 18481), "82/tcp": [18482, 18483], "83/tcp": None, "84/sctp": 18484},
    )


def look_at_network(container):
    container.reload()
    settings = container.attrs["NetworkSettings"]
    endpoint = settings["Networks"]["options"]
    assert endpoint["IPAddress"] == "10.48.0.128" and endpoint["GlobalIPv6Address"] == "fd48::2", endpoint
    links = inside(container, "ip -o link; ip -o addr")
    assert "lan0" in links and "02:00:00:00:00:48" in links and "fd48::2/64" in links, links
    assert inside(container, "hostname -f") == "host.example.org\n"
    resolver = inside(container, "cat /etc/resolv.conf")
    assert "search corp.example" in resolver and "timeout:2" in resolver, resolver
    assert "192.0.2.9\telsewhere" in inside(container, "cat /etc/hosts")
    ports = {port: sorted(bound["HostPort"] for bound in found if ":" not in bound["HostIp"]) for port, found in settings["Ports"].items()}
    assert ports.pop("83/tcp") and ports == {
        "80/tcp": ["18480"], "81/udp": ["18481"], "82/tcp": ["18482", "18483"], "84/sctp": ["18484"],
    }, ports


def look_at_volumes(container):
    mounts = inside(container, "cat /proc/mounts")
    for words in ["tmpfs /memory tmpfs rw", "size=1024k", "tmpfs /made tmpfs rw", "size=2048k", "tmpfs /tmpfs tmpfs rw", "size=3072k", "mode=700"]:
        assert words in mounts, (words, mounts)
    assert client.volumes.get("made").attrs["Labels"] == {"made": "yes"}
    inside(container, "echo kept > /memory/x")
    sharer = client.containers.run("busybox", ["cat", "/memory/x"], volumes_from=["member:ro"], remove=True)
    assert sharer == b"kept\n"
    refused("in use", lambda: client.volumes.get("memory").remove())


def use_port(container):
    container.exec_run(["sh", "-c", "echo served > /scratch/index.html; httpd -h /scratch -p 80"])
    with socket.create_connection(("127.0.0.1", 18480)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := connection.recv(1000):
            answer += chunk
    assert answer.endswith(b"served\n"), answer
    refused("port is already allocated", lambda: client.containers.run("busybox", "true", ports={"80/tcp": 18480}, name="late"))
    client.containers.get("late").remove()


def join(container):
    second = client.networks.create("second", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.49.0.0/24")]))
    second.connect(
        container, aliases=["other-name"], ipv4_address="10.49.0.9", link_local_ips=["169.254.49.1"], links=[("member", "itself")],
        driver_opt={"com.docker.network.endpoint.ifname": "wan7"},
    )
    addresses = inside(container, "ip -o addr show wan7")
    assert "10.49.0.9/24" in addresses and "169.254.49.1/16" in addresses, addresses
    asker = client.containers.run("busybox", ["nslookup", "other-name"], network="second", remove=True)
    assert b"10.49.0.9" in asker, asker
    refused("already exists in network", lambda: second.connect(container))
    second.disconnect(container)
    assert "wan7" not in inside(container, "ip -o link")
    refused("is not connected to", lambda: second.disconnect(container))
    second.connect(container)
    container.remove(force=True)
    second.remove()


def share(name, mode):
    return client.containers.run("busybox", ["readlink", "/proc/self/ns/net"], network_mode=mode, remove=True, name=name)


def join_namespaces(container):
    own = inside(container, "readlink /proc/self/ns/net").encode()
    assert share("sharer", "container:member") == own and share("apart", "none") != own
    assert share("open", "host") not in (own, share("alone", "bridge"))


network = make_network()
container = make_container(make_volumes())
look_at_network(container)
look_at_volumes(container)
use_port(container)
join_namespaces(container)
join(container)
network.remove()
for name in ["memory", "made"]:
    client.volumes.get(name).remove(force=True)
assert client.networks.list(filters={"type": "custom"}) == [] and client.volumes.list() == []
print("all")
