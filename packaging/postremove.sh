#!/bin/sh
# After removing. The keys, the database and the account stay: who removes the
# package may want them back, and nobody else has them.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$1" in
purge)
	echo "portvakt: /etc/portvakt and /var/lib/portvakt stay; remove them by hand when nobody needs them"
	;;
esac
