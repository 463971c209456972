#!/bin/sh
# After unpacking. $1 is "configure" (deb), or how many versions there are (rpm).
set -e

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers portvakt.conf
elif ! getent passwd portvakt >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/portvakt --shell /usr/sbin/nologin portvakt
fi

# What is made here belongs to the group: root writes it, the daemon reads it.
chgrp portvakt /etc/portvakt
chmod 2750 /etc/portvakt
if [ ! -d /var/lib/portvakt ]; then
	install -d -m 700 -o portvakt -g portvakt /var/lib/portvakt
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart portvakt.service
fi

if [ ! -e /etc/portvakt/portvakt.toml ]; then
	cat <<-'NEXT'
	portvakt: next: portvakt init, write your directory and clients into /etc/portvakt/portvakt.toml,
	portvakt: portvakt check, systemctl enable --now portvakt
	NEXT
fi
