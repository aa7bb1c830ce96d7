# What the commands under test/ share: packages, the server's programs, one
# temporary cluster, and a count of tests.  Sourced by bash, never run.
#
# Everything works as root and as an ordinary user with sudo.  No running server
# is ever touched: the cluster has its own directory, listens on a socket in that
# directory only, and stops with the script that started it.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

die() {
	printf '%s: %s\n' "$0" "$*" >&2
	exit 1
}

now() { printf '%s' "${EPOCHREALTIME/./}"; }

# Seconds since a now(), with one decimal.
since() {
	local us=$(($(now) - $1))
	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

as_root() {
	if [ "$EUID" = 0 ]; then
		"$@"
	elif sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; then
		sudo --preserve-env=DEBIAN_FRONTEND "$@"
	else
		die "this needs root or sudo: $*"
	fi
}

# A server refuses to run as root, so root lends itself to the server's user.
server_user() {
	if [ "$EUID" != 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

as_server() {
	if [ "$EUID" = 0 ]; then
		runuser -u "$(server_user)" -- "$@"
	else
		"$@"
	fi
}

# ---------------------------------------------------------------- packages

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the named packages that are missing, and says which.
need_packages() {
	local name said missing=()

	for name; do
		is_installed "$name" || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "please install: ${missing[*]} (no apt-get here)"
	echo "installing ${missing[*]}"
	apt_knows "${missing[@]}" || as_root apt-get -qq update
	said=$(as_root apt-get -qq -y --no-install-recommends install "${missing[@]}" 2>&1) || {
		printf '%s\n' "$said"
		return 1
	}
}

apt_knows() { apt-cache -q=2 show "$@" >/dev/null 2>&1; }

# The newest server on this machine that extensions can be built for.
find_pg_config() {
	local candidate

	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config /usr/local/pgsql/bin/pg_config | sort -Vr) \
		"$(command -v pg_config || true)"; do
		[ -x "$candidate" ] && [ -e "$("$candidate" --pgxs)" ] && [ -x "$("$candidate" --bindir)/postgres" ] || continue
		echo "$candidate"
		return
	done
	return 1
}

# Debian starts a cluster of its own when a server is first installed; nobody asked for that here.
install_server() {
	local conf=/etc/postgresql-common/createcluster.conf version

	apt_knows postgresql || as_root apt-get -qq update
	version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]\+\)$/\1/p' | head -n 1)
	[ -n "$version" ] || die "apt knows no postgresql package; set PG_CONFIG to a server's pg_config"
	need_packages postgresql-common
	as_root cp -p "$conf" "$conf.personalize"
	echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
	need_packages "postgresql-$version" "postgresql-server-dev-$version" || { as_root mv "$conf.personalize" "$conf"; return 1; }
	as_root mv "$conf.personalize" "$conf"
}

# A server to build for: $PG_CONFIG where it is given, else the newest installed, else Debian's.  Sets PG_CONFIG, bindir, pg_major.
need_server() {
	need_packages gcc make libc6-dev
	if [ -z "${PG_CONFIG:-}" ]; then
		PG_CONFIG=$(find_pg_config) || { install_server; PG_CONFIG=$(find_pg_config) || die "no server found after the installation"; }
	fi
	export PG_CONFIG
	bindir=$("$PG_CONFIG" --bindir)
	pg_major=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	[ "$pg_major" -ge 13 ] || die "$PG_CONFIG is PostgreSQL $pg_major; the oldest supported version is 13"
	[ -e "$("$PG_CONFIG" --pgxs)" ] || die "$PG_CONFIG has no headers to build extensions with: install postgresql-server-dev-$pg_major"
}

# Builds happen in copies: objects of another server or with other flags never mix, and the tree stays clean.
copy_tree() {
	mkdir -p "$1"
	tar -C "$top" -c --exclude=.git --exclude=test/unit/unit --exclude='*.o' --exclude='*.so' --exclude='*.bc' . | tar -C "$1" --no-same-owner -x
}

# build_and_install DIR [MAKE-ARGUMENT...]
build_and_install() {
	local dir=$1
	shift
	copy_tree "$dir"
	make -s -C "$dir" -j "$(nproc)" PG_CONFIG="$PG_CONFIG" "$@"
	as_root make -s -C "$dir" PG_CONFIG="$PG_CONFIG" install "$@" >/dev/null
}

# ---------------------------------------------------------------- one temporary cluster

cluster_dir=
at_exit=()

run_at_exit() {
	local status=$? i

	for ((i = ${#at_exit[@]} - 1; i >= 0; i--)); do
		eval "${at_exit[i]}" || true
	done
	exit "$status"
}
trap run_at_exit EXIT
trap 'exit 130' INT TERM HUP

# A folder that the server's user can use, gone at the end.  Under /tmp, because a socket's path has room for 107 bytes.
scratch_dir() {
	local dir

	dir=$(mktemp -d "/tmp/personalize-$1.XXXXXX")
	[ "$EUID" != 0 ] || chown "$(server_user)" "$dir"
	echo "$dir"
}

# cluster_start NAME [SETTING...]: sets PGHOST and the rest, so that psql just works.
cluster_start() {
	local setting

	cluster_dir=$(scratch_dir "$1")
	at_exit+=("cluster_stop")
	shift
	as_server "$bindir/initdb" -D "$cluster_dir/data" -U postgres -A trust --no-locale -E UTF8 --no-sync >"$cluster_dir/initdb.log" ||
		die "initdb failed: $(cat "$cluster_dir/initdb.log")"
	# The port is written down because a server, too, would take it from PGPORT.
	for setting in port=5432 "listen_addresses=''" "unix_socket_directories='$cluster_dir'" fsync=off full_page_writes=off \
		shared_buffers=256MB work_mem=64MB maintenance_work_mem=256MB max_wal_size=4GB autovacuum_naptime=10s "$@"; do
		echo "$setting"
	done | as_server tee -a "$cluster_dir/data/postgresql.conf" >/dev/null
	as_server "$bindir/pg_ctl" -D "$cluster_dir/data" -l "$cluster_dir/server.log" -s -w start </dev/null ||
		die "the server did not start: $(tail -n 20 "$cluster_dir/server.log")"
	unset PGSERVICE PGHOSTADDR PGOPTIONS PGPASSWORD PGSSLMODE PGDATESTYLE PGTZ PGTARGETSESSIONATTRS
	export PGHOST=$cluster_dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
}

cluster_stop() {
	[ -n "$cluster_dir" ] || return 0
	# pg_ctl reads the process id from our own data directory, so it can stop no other server.
	[ ! -e "$cluster_dir/data/postmaster.pid" ] || as_server "$bindir/pg_ctl" -D "$cluster_dir/data" -s -m fast -w stop </dev/null
	rm -rf "$cluster_dir"
	cluster_dir=
}

psql_quiet() { "$bindir/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
