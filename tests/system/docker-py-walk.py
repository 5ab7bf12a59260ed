# Run by libraries.test.ts inside the engine's network namespace: what a user of docker-py does. Prints what is done; an assertion ends it.

import io
import tarfile
import time

import docker

client = docker.from_env(timeout=60)


def archive_of(name, data):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def read_archive(chunks):
    return tarfile.open(fileobj=io.BytesIO(b"".join(chunks)))


def run():
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    assert client.containers.run("busybox", ["sh", "-c", "echo err >&2"], stderr=True, stdout=False, remove=True) == b"err\n"
    try:
        client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
        assert False, "a failing command raises"
    except docker.errors.ContainerError as error:
        assert (error.exit_status, error.stderr) == (3, b"bad\n"), error
    try:
        client.containers.run("busybox", "nosuch", remove=True)
        assert False, "a missing command raises"
    except docker.errors.APIError as error:
        assert "executable file not found" in error.explanation, error.explanation


def create(volume):
    return client.containers.run(
        "busybox",
        ["sh", "-c", "trap 'exit 5' TERM; touch /tmp/up; while :; do echo tick; sleep 0.1; done"],
        detach=True,
        environment={"A": "b"},
        healthcheck={"test": ["CMD", "test", "-e", "/tmp/up"], "interval": 500_000_000},
        init=False,
        labels={"kind": "py"},
        log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}),
        mem_limit="64m",
        name="py",
        ports={"80/tcp": None},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
        tmpfs={"/t": "size=1m"},
        volumes={volume.name: {"bind": "/v", "mode": "rw"}},
    )


def look(container):
    [listed] = client.containers.list(filters={"label": "kind=py"})
    assert listed.id == container.id and listed.status == "running"
    container.reload()
    assert container.labels == {"kind": "py"} and container.image.tags == ["busybox:latest"]
    assert len(container.ports["80/tcp"]) == 2, container.ports
    assert container.attrs["HostConfig"]["Memory"] == 64 << 20
    assert any("sleep" in row[-1] or "sh" in row[-1] for row in container.top()["Processes"])
    try:
        client.containers.get("nosuch")
        assert False, "a missing container raises"
    except docker.errors.NotFound as error:
        assert error.explanation == "No such container: nosuch"


def follow_logs(container):
    lines = container.logs(stream=True, follow=True, timestamps=True)
    stamped = [next(lines) for _ in range(3)]
    lines.close()
    assert all(line.endswith(b"Z tick\n") for line in stamped), stamped
    assert container.logs(tail=1) == b"tick\n"


def execute(container):
    both = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 3"], demux=True)
    assert (both.exit_code, both.output) == (3, (b"out\n", b"err\n")), both
    _, lines = container.exec_run(["sh", "-c", "echo one; echo two"], stream=True)
    assert b"".join(lines) == b"one\ntwo\n"
    assert container.exec_run("pwd", workdir="/tmp", user="33").output == b"/tmp\n"
    _, socket = container.exec_run("cat", stdin=True, socket=True, tty=True)
    raw = socket._sock
    raw.sendall(b"typed\n")
    read = b""
    while read.count(b"typed") < 2:  # the terminal's echo, and cat's own
        read += raw.recv(100)
    raw.close()


def measure(container):
    once = container.stats(stream=False)
    assert once["memory_stats"]["limit"] == 64 << 20 and once["name"] == "/py"
    stream = container.stats(stream=True, decode=True)
    assert next(stream)["read"] < next(stream)["read"]


def copy(container):
    assert container.put_archive("/tmp", archive_of("f", b"1234\n"))
    chunks, stat = container.get_archive("/tmp/f")
    assert (stat["name"], stat["size"]) == ("f", 5), stat
    assert read_archive(chunks).extractfile("f").read() == b"1234\n"
    assert {"Path": "/tmp/f", "Kind": 1} in container.diff()
    assert "tmp/f" in read_archive(container.export()).getnames()
    image = container.commit("py-image", "v1", changes='CMD ["cat", "/tmp/f"]', message="made")
    assert image.tags == ["py-image:v1"] and client.containers.run("py-image:v1", remove=True) == b"1234\n"
    client.images.remove("py-image:v1")


def wait_healthy(container):
    while container.attrs["State"]["Health"]["Status"] != "healthy":
        assert container.attrs["State"]["Health"]["Status"] == "starting"
        container.reload()


def handle(container):
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("py2")
    container.update(mem_limit="32m", memswap_limit="64m")
    container.resize(40, 100)
    container.reload()
    assert container.name == "py2" and container.attrs["HostConfig"]["Memory"] == 32 << 20
    container.kill("TERM")
    assert container.wait(condition="not-running")["StatusCode"] == 5
    container.start()
    container.restart(timeout=1)
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] in (5, 137)


def remove(container, volume):
    try:
        volume.remove()
        assert False, "a volume in use stays"
    except docker.errors.APIError as error:
        assert error.status_code == 409
    container.remove()
    volume.remove()
    client.containers.prune()  # what could not be started is left by containers.run
    client.volumes.prune()  # one was made for the image's /v
    assert client.containers.list(all=True) == [] and client.volumes.list() == []


def read_events(since):
    past = client.events(since=since, until=int(time.time()) + 1, decode=True, filters={"label": "kind=py"})
    actions = iter([event["Action"].split(":")[0] for event in past])
    for wanted in ["create", "start", "commit", "pause", "rename", "update", "kill", "die", "stop", "restart", "destroy"]:
        assert wanted in actions, wanted  # and what follows comes later


def attach_socket():
    made = client.api.create_container(
        "busybox", ["cat"], stdin_open=True, host_config=client.api.create_host_config(auto_remove=True)
    )
    socket = client.api.attach_socket(made["Id"], params={"stdin": 1, "stdout": 1, "stream": 1})
    client.api.start(made["Id"])
    socket._sock.sendall(b"through the socket\n")
    frame = b""
    while len(frame) < 27:
        frame += socket._sock.recv(100)
    assert frame == b"\x01\0\0\0\0\0\0\x13through the socket\n", frame
    socket._sock.close()
    client.api.kill(made["Id"])
    try:
        client.api.wait(made["Id"], condition="removed")
    except docker.errors.NotFound:
        pass


def join_networks():
    pool = docker.types.IPAMPool(subnet="10.45.0.0/24", gateway="10.45.0.9", aux_addresses={"other": "10.45.0.2"})
    network = client.networks.create(
        "py-network", driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=[pool]), internal=True,
        labels={"a": "b"}, options={"com.docker.network.driver.mtu": "1400"}, check_duplicate=True, attachable=True,
    )
    assert network.attrs["IPAM"]["Config"][0]["Gateway"] == "10.45.0.9" and network.attrs["Internal"]
    container = client.containers.run(
        "busybox", ["sleep", "1000"], name="py-member", network="py-network", detach=True
    )
    container.reload()
    settings = container.attrs["NetworkSettings"]["Networks"]
    assert settings["py-network"]["IPAddress"] == "10.45.0.1", settings
    client.networks.get("bridge").connect(container)
    network.disconnect(container)
    network.connect(container, ipv4_address="10.45.0.77", aliases=["py-alias"])
    container.reload()
    settings = container.attrs["NetworkSettings"]["Networks"]
    assert settings["py-network"]["IPAddress"] == "10.45.0.77" and "py-alias" in settings["py-network"]["Aliases"]
    assert set(settings) == {"py-network", "bridge"}
    network.reload()
    assert [member.name for member in network.containers] == ["py-member"]
    try:
        network.remove()
        raise AssertionError("a network in use was removed")
    except docker.errors.APIError as error:
        assert error.status_code == 403 and "has active endpoints" in error.explanation
    container.remove(force=True)
    assert client.networks.prune(filters={"label": "a=b"})["NetworksDeleted"] == ["py-network"]
    try:
        network.reload()
        raise AssertionError("the network is there")
    except docker.errors.NotFound:
        pass


def ask():
    assert client.ping() and client.info()["Containers"] >= 0 and client.version()["Os"] == "linux"
    assert {network.name for network in client.networks.list()} == {"bridge", "host", "none"}
    assert set(client.df()) >= {"Images", "Containers", "Volumes", "LayersSize"}
    assert client.containers.prune()["SpaceReclaimed"] == 0


def walk():
    since = int(time.time()) - 1
    run()
    volume = client.volumes.create("py-volume", labels={"a": "b"})
    container = create(volume)
    for step in [look, follow_logs, execute, measure, copy, wait_healthy, handle]:
        step(container)
        print(step.__name__)
    remove(container, volume)
    read_events(since)
    attach_socket()
    join_networks()
    ask()
    print("all")


walk()
