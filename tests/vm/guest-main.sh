# Both guests, once the machine's files are their root: what a booted machine has mounted, pure cgroup version 2, then the command of
# $GANTRY_GUEST/command. With $GANTRY_SYSTEMD systemd becomes process 1 and runs this again, as a service.
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
trap 'sync; echo o >/proc/sysrq-trigger; sleep 60' EXIT

mount_all() {
  mkdir -p /dev/pts /dev/shm /dev/mqueue
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mount -t mqueue mqueue /dev/mqueue
  mount -t securityfs securityfs /sys/kernel/security || :
  ln -sfn /proc/self/fd /dev/fd
  # Temporary files are not on the root: the upper directory of an overlay cannot be on another. Nor are they at /tmp, where the
  # checkout may be.
  mount -t tmpfs -o mode=1777,size=90% tmpfs /mnt
  # Own copies: a package that is installed outside meanwhile replaces them, and what the guest knows of them is stale then (ESTALE).
  touch -c /etc/passwd /etc/group /etc/ld.so.cache /etc/nsswitch.conf
}

become_systemd() {
  units=/etc/systemd/system
  # Neither what the machine's packages start, nor what looks for hardware or clears /tmp, where the checkout may be.
  for unit in "$units"/*.wants/* /lib/systemd/system/sysinit.target.wants/*; do
    ln -sfn /dev/null "$units/${unit##*/}"
  done
  rm "$units/systemd-journald.service"
  : >/etc/fstab
  rm -f /.dockerenv /run/.containerenv # this is a machine, whatever holds the files of the root
  cat >"$units/gantry-guest.service" <<-END
	[Unit]
	After=basic.target dbus.service
	Wants=dbus.service
	[Service]
	Type=oneshot
	Environment=GANTRY_GUEST=$GANTRY_GUEST
	ExecStart=/bin/sh $GANTRY_MAIN service
	Delegate=yes
	TimeoutStartSec=infinity
	LimitNOFILE=1048576
	END
  printf '[Unit]\nRequires=basic.target\nWants=gantry-guest.service\n' >"$units/gantry-guest.target"
  trap - EXIT
  exec /lib/systemd/systemd --unit=gantry-guest.target --show-status=0
}

delegate_all() {
  mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
  mkdir /sys/fs/cgroup/init.scope
  echo $$ >/sys/fs/cgroup/init.scope/cgroup.procs
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
  done
}

if [ "${1:-}" != service ]; then
  mount_all
  [ -z "${GANTRY_SYSTEMD:-}" ] || become_systemd
  delegate_all
  ip link set lo up
  hostname guest
fi
export TMPDIR=/mnt
ip netns add first # makes /run/netns what it stays
ip netns delete first
cut -d' ' -f1 /proc/uptime >"$GANTRY_GUEST/booted"
code=0
sh "$GANTRY_GUEST/command" </dev/null >"$GANTRY_GUEST/output" 2>&1 || code=$?
echo "$code" >"$GANTRY_GUEST/exit-code"
