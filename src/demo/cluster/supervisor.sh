# Owns one throwaway cluster: makes its directory, runs its server, and removes both when standard input ends, which the
# kernel sees to however the program that holds the other end dies. Runs in a process group of its own, so that Ctrl-C in
# the terminal reaches the program and not the clean-up.
#
# Arguments: the directory of the server binaries; the directory for temporary files; where an initialised data directory
# is kept to be copied, or nothing.
# Prints the cluster's directory, then answers each command (a line) by one line, "ok" or "failed".
set -u
umask 077
trap '' HUP INT TERM PIPE

bin=$1
template=$3
dir=$(mktemp -d "$2/pgtriage-XXXXXX" 2>/dev/null) || dir=$(mktemp -d /tmp/pgtriage-XXXXXX) || exit 1
data=$dir/data
echo "$dir"

answer() {
    if "$@" >>"$dir/supervisor.log" 2>&1 </dev/null; then echo ok; else echo failed; fi
}

postmaster() {
    head -n 1 "$data/postmaster.pid" 2>/dev/null
}

start() {
    # The children of a server that was killed live on for a moment and keep its memory; the next start waits for them.
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        "$bin/pg_ctl" -D "$data" -l "$dir/server.log" -w -t 120 start && return 0
        tail -n 5 "$dir/server.log" | grep -q 'shared memory block' || return 1
        sleep 0.5
    done
    return 1
}

# Checksums, which 18 turns on by itself, would cost every cluster time and guard nothing that is kept.
make() {
    plain=
    "$bin/initdb" --help | grep -q -- --no-data-checksums && plain=--no-data-checksums
    "$bin/initdb" $plain -D "$1" -U postgres -A trust --no-sync --locale=C --encoding=UTF8
}

# Several may find no template at once and make one each: the first to put the link has made it.
make_template() {
    made=$(mktemp -d "$template-XXXXXX") || return 1
    { make "$made" && ln -sn "$made" "$template"; } || rm -rf "$made"
}

has_template() {
    [ -r "$template/PG_VERSION" ]
}

init() {
    [ -z "$template" ] || has_template || make_template
    if has_template; then cp -a "$template/." "$data"; else make "$data"; fi
}

# Without the lock files the next start does not take the dead process, which stays a zombie until its parent notices, for
# a running server.
slay() {
    kill -9 "$(postmaster)" && sleep 0.1 && rm -f "$data/postmaster.pid" "$dir"/.s.PGSQL.*.lock
}

keep=no
while read -r command argument; do
    case $command in
        init) answer init ;;
        start) answer start ;;
        stop) answer "$bin/pg_ctl" -D "$data" -m "$argument" -w -t 120 stop ;;
        reload) answer "$bin/pg_ctl" -D "$data" reload ;;
        kill) answer slay ;;
        keep)
            keep=yes
            echo ok
            ;;
        *) echo failed ;;
    esac
done

[ $keep = no ] || exit 0
if [ -f "$data/postmaster.pid" ]; then
    pid=$(postmaster)
    "$bin/pg_ctl" -D "$data" -m immediate -w -t 10 stop >/dev/null 2>&1 || kill -9 "$pid" 2>/dev/null
fi
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$dir" 2>/dev/null && break
    sleep 0.5
done
