#!/usr/bin/env bash
# Installs the packages of scripts/peers.txt and scripts/peers.npm.txt that are
# missing, and nothing when none is. The daemons among them are not started: the
# tests start their own, on ports and with files of their own.
set -euo pipefail
cd "$(dirname "$0")"

readonly policy=/usr/sbin/policy-rc.d

wanted() {
	local package only arch
	arch=$(dpkg --print-architecture)
	while read -r package only; do
		[[ -n $only && $only != "[$arch]" ]] || echo "$package"
	done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' peers.txt)
}

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

# npm packages go below .cache, one time for each version of the list. Their
# scripts are not run. npm gets no standard input: that is the list.
readonly npm_dir=../.cache/npm
npm_packages() {
	local how package
	if cmp -s peers.npm.txt "$npm_dir/installed"; then
		return
	fi
	mkdir -p "$npm_dir"
	rm -f "$npm_dir/installed"
	while read -r how package; do
		echo "peers: $package"
		case $how in
		install)
			npm install --prefix "$npm_dir" --no-audit --no-fund --ignore-scripts --no-package-lock --omit=optional \
				--loglevel=error "$package" </dev/null
			;;
		unpack)
			mkdir -p "$npm_dir/unpacked/${package%@*}"
			tar -xzf "$npm_dir/$(npm pack --silent --pack-destination "$npm_dir" "$package" </dev/null)" \
				-C "$npm_dir/unpacked/${package%@*}" --strip-components=1
			;;
		esac
	done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' peers.npm.txt)
	cp peers.npm.txt "$npm_dir/installed"
}

mapfile -t packages < <(missing)
# A Node.js of another origin than Debian serves as well.
command -v npm >/dev/null || packages+=(nodejs npm)
if ((${#packages[@]} == 0)); then
	npm_packages
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
npm_packages
