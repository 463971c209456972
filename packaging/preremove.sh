#!/bin/sh
# Before removing. $1 is "remove" or "upgrade" (deb), or how many versions stay (rpm).
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now portvakt.service
	fi
	;;
esac
