#!/bin/sh
# A queue between processes: what one puts in, exactly one other takes out, the oldest first.
#
#     sh examples/queue.sh put NAME VALUE
#     sh examples/queue.sh take NAME         # waits until there is something
set -eu
name=$2

put() {
    number=$(rusty-kv incr "queue:$name:last")
    rusty-kv --quiet set "queue:$name:item:$(printf '%016d' "$number")" -- "$1"
}

take() {
    while :; do
        key=$(rusty-kv keys --prefix "queue:$name:item:" --limit 1)
        # Several may see the same one, and one gets it.
        if [ -n "$key" ] && rusty-kv getdel "$key" 2> /dev/null; then
            return
        fi
        [ -n "$key" ] || sleep 0.02
    done
}

case $1 in
    put) put "$3" ;;
    take) take ;;
esac
