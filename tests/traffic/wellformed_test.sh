#!/bin/sh
# Wireshark finds every checksum right and nothing malformed in what mkfleet writes. Skipped without tshark.
set -eu
mkfleet=./tests/traffic/mkfleet
command -v tshark > /dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

wrong='_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0 || icmp.checksum.status==0 || icmpv6.checksum.status==0'
status=0
for scenario in destinations updates location identity mixed quiet; do
        for encap in plain gtpu vlan; do
                "$mkfleet" --scenario "$scenario" --seed 11 --devices 16 --hours 0.2 --encap "$encap" --capture "$folder/x.pcap" 2> "$folder/log"
                tshark -n -r "$folder/x.pcap" -d tcp.port==7276,ulp -o tcp.reassemble_out_of_order:TRUE -o ip.check_checksum:TRUE \
                        -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -Y "$wrong" > "$folder/found" 2> "$folder/log"
                if [ -s "$folder/found" ]; then
                        echo "$scenario, $encap:"
                        cat "$folder/found"
                        status=1
                fi
        done
done
exit $status
