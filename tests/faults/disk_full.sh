#!/bin/sh
# The disk of the outbox is full: alerts wait in memory, the oldest of them become a gap, and it goes on when there is room again.
# In a mount namespace of its own.
if [ "${1:-}" != inside ]; then
        [ "$(id -u)" = 0 ] || exec unshare --map-root-user --mount sh "$0" inside
        unshare --mount true 2>/dev/null && exec unshare --mount sh "$0" inside
        exec unshare --mount --propagation unchanged sh "$0" inside # in a chroot
fi
. "${srcdir:-.}/tests/faults/case.sh"
start_server
disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=3m tmpfs "$disk"
outbox=$disk/outbox.db
start_producer --count 9000 --rate 3000 --patience 60 --memory 400000
wait_for_entries 1000
dd if=/dev/zero of="$disk/filler" bs=64k 2>/dev/null || :
sleep 1.5
told 1 1 "outbox.*full"
rm "$disk/filler"
mount -o remount,size=64m "$disk"
finish_producer
audit
[ "$(of_account gaps)" -gt 0 ] || fail "the memory held everything"
umount -l "$disk" 2>/dev/null || : # in a chroot it would stay
