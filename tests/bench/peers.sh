#!/usr/bin/env bash
# Times whole processes beside their peers, in turn (A B A B …), and prints medians and their ratio.
#
#     tests/bench/peers.sh [ENTRIES]        1000000 unless said otherwise
#
# Needs a release build (made here), rustc for the hello-world program, and sqlite3 (Debian: apt-get install sqlite3).
# It installs nothing and says what it lacks. Absolute times are those of this machine and moment; read the ratios.
set -euo pipefail
cd "$(dirname "$0")/../.."

entries=${1:-1000000}
for tool in cargo rustc sqlite3 awk shuf; do
    command -v "$tool" >/dev/null || { echo "peers.sh: $tool is missing" >&2; exit 1; }
done
cargo build --release --quiet
kv=$PWD/target/release/rusty-kv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Prints the median of the numbers on stdin.
median() {
    sort -n | awk '{ a[NR] = $1 } END { print (NR % 2) ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'
}

# Runs a command and appends its time in seconds to a file.
timed() {
    local start=$EPOCHREALTIME
    eval "$2" >/dev/null
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f\n", b - a }' >>"$1"
}

# pair NAME RUNS A B [BEFORE]: BEFORE is run before each of them, untimed.
pair() {
    rm -f a b
    eval "${5:-:}"; eval "$3" >/dev/null; eval "${5:-:}"; eval "$4" >/dev/null
    for _ in $(seq "$2"); do
        eval "${5:-:}"; timed a "$3"
        eval "${5:-:}"; timed b "$4"
    done
    awk -v name="$1" -v a="$(median <a)" -v b="$(median <b)" -v runs="$2" \
        'BEGIN { printf "%-58s %9.4f s %9.4f s   %5.2f x   (%d runs)\n", name, a, b, a / b, runs }'
}

echo 'fn main() { println!("world"); }' >hello.rs
rustc -O -o hello hello.rs
"$kv" -d ./small.json set hello world
sqlite3 small.sqlite "CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID; INSERT INTO kv VALUES('hello','world');"
seq -f '%08.0f' "$entries" | shuf --random-source=<(yes) | awk -v sql=load.sql -v script=load.kv '
    BEGIN { print "CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;\nBEGIN;" >sql }
    {
        value = ""
        while (length(value) < 96) value = value sprintf("%08x", ($1 * 2654435761 + length(value)) % 4294967296)
        print "set user:" $1 " " value >script
        print "INSERT INTO kv VALUES(\047user:" $1 "\047,\047" value "\047);" >sql
    }
    END { print "COMMIT;" >sql }'

printf '%-58s %11s %11s   %7s\n' "work (A beside B)" "A" "B" "A / B"
pair "get of one key: rusty-kv beside hello world" 101 "$kv -d ./small.json get hello" "./hello"
pair "get of one key: rusty-kv beside sqlite3" 101 "$kv -d ./small.json get hello" \
    "sqlite3 small.sqlite \"SELECT v FROM kv WHERE k='hello'\""
pair "$entries set lines on stdin beside INSERTs in one transaction" 5 "$kv -d ./big.json <load.kv" \
    "sqlite3 big.sqlite <load.sql" "rm -f big.json* big.sqlite*"
