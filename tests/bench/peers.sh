#!/usr/bin/env bash
# Compares whole processes with their peers, in turn (A B A B …): medians and their ratio.
#
#     tests/bench/peers.sh [SIZE...]        1000 10000 100000 1000000 unless said otherwise; 10000000 takes an hour
#
#     ONLY=get,load   some groups only: see `groups` at the end        OUT=FILE    the figures as tab-separated values too
#     KV=FILE         the program, instead of building it              BASE=FILE   an older rusty-kv to start beside
#     RUNS=101        turns at most for what is quick                  BUDGET=20   seconds at most for a row
#     TMPDIR=DIR      where the data is: not in memory
#
# Needs python3 and, to build, cargo and rustc. Peers: sqlite3, jq, redis-server, mdb_load, strace (Debian: sqlite3 jq
# redis-server lmdb-utils strace). It installs nothing; a row whose peer is missing is left out, and it says so.
# Absolute times are those of this machine and moment; read the ratios.
set -euo pipefail
home=$(cd "$(dirname "$0")" && pwd)
sizes=("$@")
(($#)) || sizes=(1000 10000 100000 1000000)
RUNS=${RUNS:-101} BUDGET=${BUDGET:-20} OUT=${OUT:-}
work=$(mktemp -d)
redis=
trap '[[ -z $redis ]] || kill "$redis"; rm -rf "$work"' EXIT

lacks() { echo "peers.sh: NOT MEASURED: $*" >&2; }
has() { command -v "$1" >/dev/null || { lacks "$2: $1 is missing"; return 1; }; }
tool() { command -v "$1" >/dev/null || { echo "peers.sh: $1 is missing" >&2; exit 1; }; }
tool python3; tool awk; tool shuf

# --- The program, and the least that a process costs, linked alike ---------------------------------------------------

# As src/build.rs does it: with the C library linked in where it is there to be, else at a fixed place.
alike=(-C opt-level=3 -C lto=fat -C codegen-units=1 -C strip=symbols)
if [[ $(uname) == Linux ]]; then
    case $(cc -print-file-name=libc.a 2>/dev/null) in
        /*) alike+=(-C target-feature=+crt-static -C relocation-model=static) ;;
        *) alike+=(-C link-arg=-Wl,-no-pie) ;;
    esac
fi
if [[ -z ${KV:-} ]]; then
    tool cargo
    (cd "$home/../.." && cargo build --release --quiet)
    KV=${CARGO_TARGET_DIR:-$home/../../target}/release/rusty-kv
fi
cp "$KV" "$work/rusty-kv"
KV=$work/rusty-kv
[[ -z ${BASE:-} ]] || { cp "$BASE" "$work/older" && BASE=$work/older; }
[[ -z $OUT ]] || { OUT=$(realpath "$OUT"); printf 'group\tname\tsize\tunit\ta\tb\tratio\taim\truns\n' >"$OUT"; }
cd "$work"
if command -v rustc >/dev/null; then
    echo 'fn main() { println!("world"); }' >hello.rs
    rustc "${alike[@]}" -o hello hello.rs
    rustc -O -o hello-default hello.rs
fi
# A program just written starts in 0.9 of the time of one read from the disk, as its cached pages are larger.
for program in "$KV" ${BASE:+"$BASE"} hello hello-default; do
    python3 "$home/turns.py" evict "$program"
done
# The user's settings must not matter.
export HOME=$work
[[ $(stat -f -c %T . 2>/dev/null) != tmpfs ]] || echo "peers.sh: $work is in memory: a sync costs nothing there" >&2

# --- Measuring and printing ------------------------------------------------------------------------------------------

# row NAME UNIT A B AIM RUNS: what A / B must at most be and what is aimed at, or nothing.
row() {
    awk -v g="$group" -v name="$1" -v n="$n" -v unit="$2" -v a="$3" -v b="$4" -v aim="$5" -v runs="$6" -v out="$OUT" 'BEGIN {
        ratio = b > 0 ? sprintf("%.3f", a / b) : "-"
        k = unit == "s" ? 1000 : 1; u = unit == "s" ? "ms" : unit
        printf "%-62s %9d %12.3f %12.3f %-5s %8s %9s  (%d)\n", name, n, a * k, b * k, u, ratio, aim, runs
        if (out != "") printf "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\n", g, name, n, unit, a, b, ratio, aim, runs >>out
    }'
}

# pair NAME AIM A B [OPTION...]: A and B are files of commands; the options are those of turns.py.
pair() {
    local name=$1 aim=$2 a=$3 b=$4 figures
    shift 4
    if figures=$(python3 "$home/turns.py" pair "$RUNS" "$BUDGET" "$a" "$b" "$@"); then
        read -r a b runs <<<"$figures"
        row "$name" s "$a" "$b" "$aim" "$runs"
    else
        lacks "$name at $n"
    fi
}

# one FILE COMMAND: a file of one command.
one() { echo "$2" >"$1"; }

# The most memory that a command takes, in KiB.
peak() {
    if [[ -x /usr/bin/time ]]; then
        /usr/bin/time -o peak -f %M "$@" >/dev/null && tail -n 1 peak
    else
        python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
    fi
}

syncs() { strace -f -qq -c -o calls -e trace=fsync,fdatasync,sync_file_range "$@" >/dev/null && awk '/sync/ { n += $4 } END { print n + 0 }' calls; }
bytes() { wc -c 2>/dev/null <"$1" || echo 0; }

# --- The data: keys user:%08d in random order, values of about 100 bytes of words ------------------------------------

words() {
    awk 'BEGIN {
        split("amber basin cedar delta ember fjord grove heron inlet jetty kelp lagoon meadow nettle otter pebble quartz reed shore thicket umber valley willow yarrow", word)
        srand(3)
    } {
        value = ""
        while (length(value) < 94) value = value word[int(rand() * 24) + 1] " "
        printf "user:%08d\t%s%d\n", $1, value, $1
    }'
}

# Everything of one size: the lines for each peer, the databases, and 101 keys to ask for.
prepare() {
    local q=\'
    rm -rf data && mkdir data
    seq 0 $((n - 1)) | shuf --random-source=<(yes) | words >data/tsv
    awk -F '\t' '{ print "set " $1 " \"" $2 "\"" }' data/tsv >data/set.kv
    shuf -n 1000 --random-source=<(yes 1) data/tsv | awk -F '\t' '{ print $1 "\t" $2 " changed" }' >data/some.tsv
    awk -F '\t' '{ print "set " $1 " \"" $2 "\"" }' data/some.tsv >data/some.kv
    shuf -n 101 --random-source=<(yes 2) data/tsv | cut -f 1 >data/keys
    kv=$work/data/kv.json lite=$work/data/kv.sqlite
    "$KV" -d "$kv" <data/set.kv
    "$KV" -d "$kv" save
    awk -v kv="$KV -d $kv" '{ print kv " get " $1 }' data/keys >get.kv
    if command -v sqlite3 >/dev/null; then
        sqlite3 "$lite" >/dev/null <<<"CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
CREATE TEMP TABLE t(k TEXT, v TEXT);
.mode tabs
.import data/tsv t
INSERT INTO kv SELECT k, v FROM t ORDER BY k;"
        awk -v q=$q -v db="$lite" '{ print "sqlite3 " db " \"SELECT v FROM kv WHERE k=" q $1 q "\"" }' data/keys >get.sqlite
    fi
    # What is still to be written would be written while something is measured.
    sync
}

# --- The groups ------------------------------------------------------------------------------------------------------

get() {
    if [[ -x hello ]]; then
        one hello.run ./hello
        pair "get, beside hello world linked alike" "1.35 1.15" get.kv hello.run
        one hello.run ./hello-default
        pair "get, beside hello world as rustc links it" "" get.kv hello.run
        row "get, its peak memory, beside hello world's" KiB "$(peak "$KV" -d "$kv" get "$(head -n 1 data/keys)")" "$(peak ./hello)" "" 1
    fi
    has sqlite3 "get beside sqlite3" || return 0
    pair "get, beside the sqlite3 shell" "0.75 0.60" get.kv get.sqlite --same
    pair "get out of a cold file, beside the sqlite3 shell" "1.3 1.0" get.kv get.sqlite --evict "$kv" "$kv.journal" "$lite"
}

# A copy's journal is filled by 20 small sets at a time until it has been folded, and then until just before that.
journal() {
    local full=$work/data/full.json longest=0 now at
    fill() { seq -f "set user:%08.0f \"some new value, $1\"" 0 19 | "$KV" -d "$full" && now=$(bytes "$full.journal"); }
    cp "$kv" "$full"
    "$KV" -d "$full" save
    for ((at = 0; at < 100000; at++)); do
        fill $at
        ((now > longest)) || break
        longest=$now
    done
    if ((longest == 0)); then
        lacks "get with a full journal at $n: it keeps no journal"
    else
        # The last fill may be a third longer than the others, as its numbers have more digits.
        while ((now < longest - 20 * 256)); do fill 0; done
        sed "s|$kv|$full|" get.kv >full.kv
        pair "get with a journal of $((now >> 10)) KiB, beside an empty one" "1.5 1.2" full.kv get.kv
        row "its peak memory" KiB "$(peak "$KV" -d "$full" get user:00000500)" "$(peak "$KV" -d "$kv" get user:00000500)" "" 1
    fi
    rm -f "$full"*
}

set_() {
    has sqlite3 "set beside sqlite3" || return 0
    local q=\'
    awk -F '\t' -v kv="$KV -d $kv" -v q=$q '{ print kv " set " $1 " " q $2 q }' data/some.tsv >set.run
    awk -F '\t' -v db="$lite" -v q=$q '{
        print "sqlite3 " db " \"PRAGMA synchronous=FULL; REPLACE INTO kv VALUES(" q $1 q "," q $2 q ")\"" }' data/some.tsv >set.lite
    pair "set, durable, beside the sqlite3 shell" "0.5 0.35" set.run set.lite
    has strace "syncs of a set" || return 0
    row "its syncs" calls "$(syncs "$KV" -d "$kv" set user:00000001 one)" \
        "$(syncs sqlite3 "$lite" "PRAGMA synchronous=FULL; REPLACE INTO kv VALUES('user:00000001','one')")" "" 1
}

load() {
    local new=$work/data/new
    one load.run "$KV -d $new.json <data/set.kv"
    rm -f "$new".json*
    row "memory of that load, beside the file it makes" KiB "$(peak "$KV" -d "$new.json" -f data/set.kv)" $(($(bytes "$new.json") >> 10)) "2 1.3" 1
    if has sqlite3 "load beside sqlite3"; then
        printf '%s\n' 'CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT);' '.mode tabs' '.import data/tsv kv' >data/load.sql
        printf '%s\n' 'CREATE TABLE kv(k TEXT, v TEXT);' '.mode tabs' '.import data/tsv kv' 'CREATE UNIQUE INDEX k ON kv(k);' >data/load2.sql
        one load.lite "sqlite3 $new.sqlite <data/load.sql"
        pair "load of N lines, beside sqlite3 .import into a keyed table" "0.4 0.2" load.run load.lite --before "rm -f $new.*"
        one load.lite "sqlite3 $new.sqlite <data/load2.sql"
        pair "load of N lines, beside sqlite3 .import, then its index" "" load.run load.lite --before "rm -f $new.*"
    fi
    if has mdb_load "load beside LMDB"; then
        printf '%s\n' VERSION=3 format=print type=btree "mapsize=$((n * 1000 + (16 << 20)))" HEADER=END >data/mdb
        awk -F '\t' '{ print " " $1 "\n " $2 } END { print "DATA=END" }' data/tsv >>data/mdb
        one load.mdb "mdb_load -n -f data/mdb $new.mdb"
        pair "load of N lines, beside mdb_load" "" load.run load.mdb --before "rm -f $new.*"
        rm -f data/mdb
    fi
    if has redis-server "load beside redis" && has redis-cli "load beside redis"; then
        awk -F '\t' '{ printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", length($1), $1, length($2), $2 }' data/tsv >data/resp
        one load.redis "redis-cli -s $work/redis.sock --pipe <data/resp"
        for sync in nothing everysec always; do
            redis_start $sync
            pair "load of N lines, beside redis-cli --pipe, synced: $sync" "" load.run load.redis \
                --before "rm -f $new.*; redis-cli -s $work/redis.sock flushall"
            redis_stop
        done
        rm -f data/resp
    fi
    rm -f "$new".*
}

redis_start() {
    local append=(--appendonly yes --appendfsync "$1")
    [[ $1 != nothing ]] || append=(--appendonly no)
    mkdir -p data/redis
    redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$work/data/redis" --save '' "${append[@]}" >/dev/null &
    redis=$!
    until redis-cli -s "$work/redis.sock" ping >/dev/null 2>&1; do sleep 0.05; done
}

redis_stop() {
    kill "$redis"
    wait "$redis" || true
    redis=
    rm -rf data/redis
}

onto() {
    has sqlite3 "1,000 lines beside sqlite3" || return 0
    awk -F '\t' -v q=\' 'BEGIN { print "PRAGMA synchronous=FULL; BEGIN;" }
        { print "REPLACE INTO kv VALUES(" q $1 q "," q $2 q ");" } END { print "COMMIT;" }' data/some.tsv >data/some.sql
    one onto.run "$KV -d $kv <data/some.kv"
    one onto.lite "sqlite3 $lite <data/some.sql"
    pair "1,000 set lines onto it, beside one sqlite3 transaction" "0.5 0.2" onto.run onto.lite
}

gets() {
    has sqlite3 "get lines beside sqlite3" || return 0
    shuf --random-source=<(yes 3) data/tsv | awk -F '\t' -v q=\' '{
        print "get " $1 >"data/get.kv"; print "SELECT v FROM kv WHERE k=" q $1 q ";" >"data/get.sql" }'
    one gets.run "$KV -d $kv <data/get.kv"
    one gets.lite "sqlite3 $lite <data/get.sql"
    pair "N get lines in random order, beside as many SELECTs" "0.4 0.25" gets.run gets.lite --same
    rm -f data/get.kv data/get.sql
}

list() {
    local prefix last
    has sqlite3 "list beside sqlite3" || return 0
    prefix=$(printf 'user:%05d' $((n / 2000)))
    last=$(printf 'user:%05d' $((n / 2000 + 1)))
    one list.run "$KV -d $kv list --prefix $prefix"
    one list.lite "sqlite3 -separator '	' $lite \"SELECT k, v FROM kv WHERE k >= '$prefix' AND k < '$last' ORDER BY k\""
    pair "list --prefix of 1,000 entries, beside sqlite3" "1.0 0.75" list.run list.lite --same
    one list.run "$KV -d $kv count"
    one list.lite "sqlite3 $lite 'SELECT count(*) FROM kv'"
    pair "count, beside sqlite3" "0.9" list.run list.lite --same
}

jq_() {
    has jq "get beside jq" || return 0
    one jq.kv "$(head -n 1 get.kv)"
    one jq.run "jq -r '.map[\"$(head -n 1 data/keys)\"]' $kv"
    pair "get, beside jq on the same file" "" jq.kv jq.run --same
}

save() {
    one save.run "$KV -d $kv save"
    one save.cp "sh -c 'cp $kv data/copy && sync data/copy'"
    pair "save of 1,000 changes, beside cp and sync of the file" "2 1" save.run save.cp --before "$KV -d $kv <data/some.kv"
    rm -f data/copy
}

wait_() {
    local longest=0 idle=0 count=0 figures a b times turn
    one wait.run "$KV -d $kv set user:00000001 waited"
    for turn in 1 2 3; do
        "$KV" -d "$kv" <data/some.kv
        figures=$(python3 "$home/turns.py" while "$KV -d $kv save" wait.run) || { lacks "a writer beside a save at $n"; return; }
        read -r a b times <<<"$figures"
        longest=$(printf '%s\n' "$longest" "$a" | sort -g | tail -n 1)
        count=$((count + times))
    done
    "$KV" -d "$kv" save
    read -r idle b _ < <(python3 "$home/turns.py" pair 51 "$BUDGET" wait.run wait.run)
    row "longest wait of another writer beside a save, beside an idle set" s "$longest" "$idle" "" "$count"
}

interchange() {
    local new=$work/data/taken
    has sqlite3 "export and import beside sqlite3" || return 0
    one out.run "sh -c '$KV -d $kv export --format jsonl >data/out.jsonl'"
    one out.lite "sh -c 'sqlite3 $lite .dump >data/out.sql'"
    pair "export as jsonl, beside sqlite3 .dump" "1" out.run out.lite
    printf '%s\n' 'CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT);' '.mode tabs' '.import data/sorted kv' >data/in.sql
    LC_ALL=C sort data/tsv >data/sorted
    "$KV" -d "$kv" export data/in.jsonl
    one in.run "$KV -d $new.json import data/in.jsonl"
    one in.lite "sqlite3 $new.sqlite <data/in.sql"
    pair "import of jsonl, beside sqlite3 .import of the same order" "0.5" in.run in.lite --before "rm -f $new.*"
    rm -f "$new".* data/out.* data/in.* data/sorted
}

# What the user's own shell waits for at Tab, and what a program waits for that is started with its variables.
around() {
    local key
    key=$(head -n 1 data/keys)
    one tab.run "$KV __complete bash 'rusty-kv -d $kv get $key' $key"
    pair "completion of one key, beside get" "1.5" tab.run get.kv
    one tab.run "$KV __complete bash 'rusty-kv -d $kv get ${key%???}' ${key%???}"
    pair "completion of a key among up to 1,000, beside get" "1.5" tab.run get.kv
    "$KV" -d ./app.json set app:X 1
    one run.run "$KV -d ./app.json run app: -- true"
    one run.get "$KV -d ./app.json get app:X"
    one run.true true
    pair "run of true, beside get" "1.5" run.run run.get
    pair "true alone, beside get" "" run.true run.get
}

base() {
    [[ -n ${BASE:-} ]] || { lacks "start-up beside an older rusty-kv: no BASE"; return 0; }
    # The older one may be of before there was anything but small databases, so both get one.
    "$KV" -d ./small.json set hello world
    one base.a "$KV -d ./small.json get hello"
    one base.b "$BASE -d ./small.json get hello"
    pair "get of one entry, beside the older program" 1 base.a base.b --same
}

groups=(get journal set load onto gets list jq save wait interchange around base)
printf '%-62s %9s %12s %12s %-5s %8s %9s  %s\n' "A, beside B" size A B unit "A / B" "must aim" "(turns)"
for n in "${sizes[@]}"; do
    [[ ${ONLY:-} == base ]] || prepare
    for group in "${groups[@]}"; do
        [[ -z ${ONLY:-} || ,$ONLY, == *,$group,* ]] || continue
        case $group in set | jq | wait) "${group}_" ;; *) "$group" ;; esac
    done
done
