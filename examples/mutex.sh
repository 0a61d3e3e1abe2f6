#!/bin/sh
# A mutex between processes without a server: one at a time runs a command.
#
#     sh examples/mutex.sh NAME COMMAND...
#
# The process that creates the key holds the mutex. The key expires, so that the mutex of a killed holder comes
# free; a command must not take longer.
set -u
key=mutex:$1
shift
me=$$-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')

until rusty-kv --quiet set "$key" "$me" --if-absent --ttl 60s 2> /dev/null; do
    # 1 is a no; all else is a failure.
    status=$?
    [ $status -eq 1 ] || exit $status
    sleep 0.02
done

# It is given back only if it is still ours, and in one step: what it is set to is gone at once.
release() {
    rusty-kv --quiet set "$key" free --if-equals "$me" --ttl 1ms
}
trap release EXIT
trap 'exit 1' INT TERM HUP
"$@"
