#!/usr/bin/env bash
# rusty-kv as a co-process of bash: a line for each command, and one line of JSON for each answer.
#
#     bash examples/coprocess.sh [DATABASE]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
coproc KV { exec rusty-kv --db "${1:-$folder/kv.json}" --output json; }
pid=$KV_PID

# A text as one word that is always data, whatever is in it.
quote() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "${text//$'\n'/\\n}"
}

# Runs a command; its answer is in $answer.
ask() {
    printf '%s\n' "$*" >&"${KV[1]}"
    IFS= read -r answer <&"${KV[0]}"
}

ask clear
ask set "$(quote 'a key')" "$(quote $'two lines,\n"quoted"')"
ask get "$(quote 'a key')"
echo "$answer"
for _ in 1 2 3; do
    ask incr visits
    echo "$answer"
done
ask get nobody
case $answer in
    '{"error":{"code":"not_found",'*) echo "nobody does not exist" ;;
esac
ask keys
echo "$answer"

# The end of its input ends it, with the highest status of its commands: one key was not there.
eval "exec ${KV[1]}>&-"
status=0
wait "$pid" || status=$?
echo "status $status"
