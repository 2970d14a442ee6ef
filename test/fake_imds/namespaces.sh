#!/usr/bin/env bash
# Runs a command where the fake IMDS is at EC2's own addresses, port 80.
#
# usage: namespaces.sh [--container] [--ipv6-only] FAKE_IMDS [OPTION]... -- COMMAND...
#   --container   runs COMMAND one hop further, as in a container behind its host
#   --ipv6-only   without IPv4: IMDS is at fd00:ec2::254 alone
#   FAKE_IMDS     the program, and what it is to serve: its options
#
# It makes three network namespaces, which end with it: an IMDS, a host beside
# it, and a container behind the host, which routes. As another user than root
# it makes a user namespace first, in which COMMAND runs as root.
#
# Exit code: that of COMMAND; 77: namespaces are not allowed here; 2: usage, or
# the fake did not start.
set -euo pipefail

if [ "${1:-}" = --inside ]; then
  shift
else
  case "${1:-}" in
    -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
  esac
  new=(unshare --net --mount)
  [ "$(id -u)" -eq 0 ] || new+=(--user --map-root-user)
  if ! why=$("${new[@]}" mount -t tmpfs none /run 2>&1); then
    echo "namespaces: skipped: not allowed here: ${why%%$'\n'*}" >&2
    exit 77
  fi
  exec "${new[@]}" "$BASH" "$0" --inside "$@"
fi

from=host ipv4=true
while :; do
  case "${1:-}" in
    --container) from=container ;;
    --ipv6-only) ipv4=false ;;
    *) break ;;
  esac
  shift
done
fake=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  fake+=("$1")
  shift
done
if [ ${#fake[@]} -eq 0 ] || [ $# -lt 2 ]; then
  sed -n '4,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
shift

# Where names of namespaces are kept: of these processes alone.
mount -t tmpfs none /run

ip netns add imds
ip netns add container
# An address can be used at once: nobody else has it.
at_once='echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
if ! {
  eval "$at_once" &&
    nsenter --net=/run/netns/imds "$BASH" -c "$at_once" &&
    nsenter --net=/run/netns/container "$BASH" -c "$at_once" &&
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding &&
    echo 1 >/proc/sys/net/ipv4/ip_forward
}; then
  echo "namespaces: skipped: /proc/sys cannot be written here" >&2
  exit 77
fi
ip link add imds0 type veth peer name eth0 netns imds
ip link add docker0 type veth peer name eth0 netns container
for device in lo imds0 docker0; do ip link set "$device" up; done
for name in imds container; do
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
done

# links HOST IMDS BITS GATEWAY CONTAINER SERVICE: addresses of one family.
links() {
  ip addr add "$1/$3" dev imds0
  ip -n imds addr add "$2/$3" dev eth0
  ip -n imds addr add "$6" dev eth0
  ip route add "$6" via "$2"
  ip addr add "$4/$3" dev docker0
  ip -n container addr add "$5/$3" dev eth0
  ip -n container route add default via "$4"
  ip -n imds route add default via "$1"
}
addresses=(--address fd00:ec2::254)
links fd00:1::10 fd00:1::1 64 fd00:2::1 fd00:2::2 fd00:ec2::254
if $ipv4; then
  addresses+=(--address 169.254.169.254)
  links 172.31.0.10 172.31.0.1 20 172.17.0.1 172.17.0.2 169.254.169.254
fi

coproc imds {
  exec nsenter --net=/run/netns/imds "${fake[@]}" "${addresses[@]}" --port 80
}
# shellcheck disable=SC2154 # bash sets it
pid=$imds_PID
trap 'kill "$pid" 2>/dev/null || true' EXIT
line=
while [ "$line" != ready ]; do
  if ! read -r line <&"${imds[0]}"; then
    echo "namespaces: error: ${fake[0]} ended" >&2
    echo "hint: its options are above; run it alone" >&2
    exit 2
  fi
done
status=0
case $from in
  host) "$@" || status=$? ;;
  container) nsenter --net=/run/netns/container "$@" || status=$? ;;
esac
exit "$status"
