#!/bin/busybox sh
# Process 1 in the initial file system of the qemu guest: as uml-init.sh, with the machine's root through virtiofs.
/bin/busybox --install -s /bin
set -eu
echo "gantry guest: $GANTRY_MAIN"
trap 'echo o >/proc/sysrq-trigger; sleep 60' EXIT
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t virtiofs machine /machine
mount -t tmpfs -o mode=755,size=90% tmpfs /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/machine,upperdir=/memory/upper,workdir=/memory/work overlay /root
mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir -p "/root$GANTRY_GUEST" "/root/lib/modules/$(uname -r)"
mount --bind "/machine$GANTRY_GUEST" "/root$GANTRY_GUEST"
mount --bind "/machine$GANTRY_MODULES" "/root/lib/modules/$(uname -r)"
for directory in proc sys dev; do mount --move "/$directory" "/root/$directory"; done
exec switch_root /root /bin/sh "$GANTRY_MAIN"
