#!/bin/busybox sh
# Process 1 of the virtual machine: mounts the machine's own root under an overlay, and becomes the program there.
# Modules are loaded by the programs of process 1's root, so that it must be process 1 that goes there.
b=/bin/busybox
fail() { $b echo "cannot boot: $*"; $b reboot -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*.ko; do $b insmod "$module" || fail "$module"; done

how=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o "$how,cache=loose,ro" root /lower || fail "the root is not shared"
$b mount -t tmpfs -o size=75% upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new || fail "no overlay"
$b mount -t proc proc /new/proc
$b mount -t sysfs sysfs /new/sys
$b mount -t devtmpfs dev /new/dev
$b mkdir -p /new/dev/pts /new/dev/shm
$b mount -t devpts devpts /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm
$b mount -t tmpfs run /new/run
$b mkdir -p /new/run/results /new/run/kernel /new/run/netns /new/run/lock /new/lib/modules /new/boot
$b mount -t 9p -o "$how" results /new/run/results || fail "the results are not shared"
$b mount -t 9p -o "$how,cache=loose,ro" kernel /new/run/kernel || fail "the kernel is not shared"
$b mount --bind /new/run/kernel/lib/modules /new/lib/modules || fail "no modules"
$b mount --bind /new/run/kernel/boot /new/boot
exec $b chroot /new /bin/sh /run/results/inside.sh
