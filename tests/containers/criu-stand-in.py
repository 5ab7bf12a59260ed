#!/usr/bin/env python3
"""What a daemon sees of criu, on a machine where criu does not work.

A dump copies the container's /count beside a list of its arguments, and ends the container as criu does. A restore starts a shell that says
the count, in new namespaces and with the mounts, cgroups, streams and network that it is given; the shell is the child of this program's
parent, as with criu's --restore-sibling. The files /fail of a container, and `fail` and `brief` of a checkpoint, change the course.
"""

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys

SWITCHES = {"--evasive-devices", "--leave-running", "--restore-detached", "--restore-sibling", "-v4"}
CLONE_PARENT = 0x8000
CLONE_NEW_NS_CGROUP_UTS_IPC_PID = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x20000000
CLONE_NEWNET = 0x40000000
MNT_DETACH = 2
SYS_CLONE, SYS_PIVOT_ROOT = {"x86_64": (56, 155), "aarch64": (220, 41)}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)


def read_options(words):
    options = {}
    words = iter(words)
    for word in words:
        name, equals, value = word.partition("=")
        if not equals and name not in SWITCHES:
            value = next(words)
        options.setdefault(name, []).append(value)
    return options


verb = sys.argv[1]
options = read_options(sys.argv[2:])
images, log = options["--images-dir"][0], os.path.join(options["--work-dir"][0], options["--log-file"][0])


def fail():
    with open(log, "w") as file:
        file.write("(00.000001) begins\n(00.000002)      1: Error (criu/stand-in.c:7): it was told to fail\n")
    sys.exit(1)


def dump():
    pid = int(options["--tree"][0])
    root = f"/proc/{pid}/root"
    if os.path.exists(f"{root}/fail"):
        fail()
    with open(f"{root}/count") as count, open(f"{images}/count", "w") as saved:
        saved.write(count.read())
    with open(f"{images}/arguments.json", "w") as file:
        json.dump(options, file)
    if "--leave-running" not in options:
        os.kill(pid, signal.SIGKILL)


def cgroup_folders():
    mounts = [line.split(" - ") for line in open("/proc/self/mountinfo").read().splitlines()]
    for wanted in options["--cgroup-root"]:
        controller, colon, path = wanted.rpartition(":")
        for before, after in mounts:
            fstype, _, flags = after.split(" ")[:3]
            point = before.split(" ")[4]
            if fstype == ("cgroup" if colon else "cgroup2") and (not colon or controller in flags.split(",")):
                yield point + path
                break


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "libc")
    return result


def become_container():
    inherited = {}
    for text in options["--inherit-fd"]:
        fd, _, name = text.partition(":")
        inherited[name] = int(fd[3:-1])
    call(libc.setns(inherited.pop("extRootNetNS"), CLONE_NEWNET))
    root = options["--root"][0]
    for text in options["--external"]:
        target, _, source = text[len("mnt[") :].partition("]:")
        if os.path.exists(root + target):  # files of /proc are not there yet
            subprocess.run(["mount", "--bind", source, root + target], check=True)
    os.chdir(root)
    call(libc.syscall(SYS_PIVOT_ROOT, b".", b"."))
    call(libc.umount2(b".", MNT_DETACH))
    os.chdir("/")
    call(libc.mount(b"proc", b"/proc", b"proc", 0, None))
    for stream, fd in enumerate(sorted(inherited.values())):
        os.dup2(fd, stream)
    os.closerange(3, 20)
    os.setsid()


def restore():
    if os.path.exists(f"{images}/fail"):
        fail()
    with open(f"{images}/count") as file:
        says = f"echo goes on from {file.read().strip()}; "
    waits = "exit 5" if os.path.exists(f"{images}/brief") else "trap 'exit 7' TERM; while :; do sleep 0.1; done"
    go_on, go = os.pipe()
    flags = CLONE_PARENT | CLONE_NEW_NS_CGROUP_UTS_IPC_PID | signal.SIGCHLD
    pid = call(libc.syscall(SYS_CLONE, flags, None, None, None, None))
    if pid == 0:
        os.read(go_on, 1)
        try:
            become_container()
            os.execv("/bin/sh", ["sh", "-c", says + waits])
        except BaseException as error:
            os.write(1, f"{error!r}\n".encode())
            os._exit(1)
    for folder in cgroup_folders():
        with open(f"{folder}/cgroup.procs", "w") as file:
            file.write(str(pid))
    with open(options["--pidfile"][0], "w") as file:
        file.write(str(pid))
    os.write(go, b"x")


{"dump": dump, "restore": restore}[verb]()
