#!/bin/sh
# Process 1 of the User Mode Linux guest: its root is the machine's own, read-only through hostfs, with an overlay whose writes stay in
# the guest's memory. Every program of the machine is there; nothing of the machine can change but the folder $GANTRY_GUEST.
set -eu
echo "gantry guest: $0"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
trap 'echo o >/proc/sysrq-trigger; sleep 60' EXIT

mount -t proc proc /proc
modules=/usr/lib/uml/modules/$(uname -r)
busybox insmod "$modules/kernel/fs/overlayfs/overlay.ko"
mount -t tmpfs -o mode=755,size=90% tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p ".$GANTRY_GUEST" "lib/modules/$(uname -r)"
mount -t hostfs -o "$GANTRY_GUEST" hostfs ".$GANTRY_GUEST"
mount --bind "$modules" "lib/modules/$(uname -r)"
pivot_root . mnt
umount -l /mnt
GANTRY_MAIN=${0%/*}/guest-main.sh
. "$GANTRY_MAIN"
