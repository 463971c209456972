#!/usr/bin/env bash
# Installs the packages of scripts/peers.txt that are missing, and nothing when
# none is. The daemons among them are not started: the tests start their own, on
# ports and with files of their own.
set -euo pipefail
cd "$(dirname "$0")"

readonly policy=/usr/sbin/policy-rc.d

wanted() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' peers.txt; }

missing() {
	local package
	while read -r package; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done < <(wanted)
}

# Without its package manager a machine may still run what needs no peers; in CI
# that would be a green that proves nothing.
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "peers: this is not Debian or Ubuntu. Install what scripts/peers.txt lists by hand;" >&2
	echo "peers: tests whose peer is missing are skipped, and say so." >&2
	[[ ${CI:-} != true ]] || exit 1
	exit 0
fi

mapfile -t packages < <(missing)
if ((${#packages[@]} == 0)); then
	exit 0
fi

sudo=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "peers: missing: ${packages[*]}" >&2
		echo "peers: run once as root: scripts/peers.sh" >&2
		exit 1
	fi
	sudo=(sudo)
fi
as_root() { "${sudo[@]}" "$@"; }

if [[ ! -e $policy ]]; then
	trap 'as_root rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
fi

echo "peers: installing ${packages[*]}"
as_root apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	-o DPkg::Lock::Timeout=300 "${packages[@]}"
