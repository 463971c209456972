package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

// installed is what an administrator does with the package, on a copy of this
// machine that is forgotten afterwards.
const installed = `
set -eux
mount -t proc proc /proc
ip link set lo up
is() { test "$(stat -c '%U:%G %a' "$2")" = "$1"; }

dpkg -i /packages/*.deb
getent passwd portvakt | grep ':/var/lib/portvakt:.*nologin$'
is 'root:portvakt 2750' /etc/portvakt
is 'portvakt:portvakt 700' /var/lib/portvakt
systemd-analyze verify /lib/systemd/system/portvakt.service
bash -n /usr/share/bash-completion/completions/portvakt
test -s /usr/share/doc/portvakt/docs/operating.md

portvakt init
for name in portvakt.toml store.key vpn.secret; do is 'root:portvakt 640' /etc/portvakt/$name; done
cat >/etc/portvakt/portvakt.toml <<'FILE'
[server]
listen = ["127.0.0.1:1812"]
[store]
key = { file = "store.key" }
[ldap]
servers       = ["ldaps://127.0.0.1:9"]
bind_dn       = "cn=portvakt,dc=example,dc=org"
bind_password = { file = "vpn.secret" }
base          = "dc=example,dc=org"
[[client]]
name     = "vpn"
networks = ["127.0.0.0/8"]
secret   = { file = "vpn.secret" }
FILE
portvakt check --offline

# What root does before the first start is in nobody's way.
portvakt rewrap
is 'portvakt:portvakt 600' /var/lib/portvakt/portvakt.db
install -d -m 750 -o portvakt -g portvakt /run/portvakt
serve() { setpriv --reuid portvakt --regid portvakt --init-groups portvakt serve & }
answers() { for n in $(seq 300); do if portvakt status; then return; fi; sleep .1; done; false; }
serve; answers; kill $!; wait $!

# Another version leaves alone what is not its own.
before=$(sha256sum /etc/portvakt/* /var/lib/portvakt/portvakt.db)
dpkg -i /packages/*.deb
test "$(sha256sum /etc/portvakt/* /var/lib/portvakt/portvakt.db)" = "$before"
serve; answers; kill $!; wait $!
dpkg -r portvakt
if test -e /usr/bin/portvakt; then exit 1; fi
test -e /etc/portvakt/store.key
dpkg -P portvakt | grep 'remove them by hand'
test -e /var/lib/portvakt/portvakt.db

# The other kind has the same in the places of its systems.
rpm -qlp /packages/*.rpm >/packages/list
for path in /usr/bin/portvakt /usr/lib/systemd/system/portvakt.service /usr/lib/sysusers.d/portvakt.conf /etc/portvakt; do grep -x "$path" /packages/list; done
rpm -qp --scripts /packages/*.rpm | grep systemd-sysusers
`

// The package is installed, used, installed again, removed and purged.
func TestPackages(t *testing.T) {
	t.Parallel()
	peer.NeedRoot(t)
	peer.Need(t, "make", "dpkg", "rpm", "unshare", "mount", "setpriv", "systemd-analyze", "systemd-sysusers")
	folder := t.TempDir()
	make := exec.CommandContext(t.Context(), "make", "-C", "..", "package", "PACKAGES="+folder)
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make package: %v\n%s", err, out)
	}
	for _, pattern := range []string{"*.deb", "*.rpm"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern)); err != nil || len(found) != 1 {
			t.Fatalf("%s: %q, %v", pattern, found, err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "install.sh"), []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	const copied = `
set -eu
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mkdir /mnt/root/packages
cp "$0"/* /mnt/root/packages/
mount --bind /dev /mnt/root/dev
exec chroot /mnt/root sh /packages/install.sh`
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", copied, folder)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "portvakt: next: portvakt init") || strings.Count(text, "portvakt: next:") != 1 {
		t.Error("the first installation, and no later one, says what comes next")
	}
}
