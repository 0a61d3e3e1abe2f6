#!/bin/sh
# A counter that any number of processes share: every number is given out once.
#
#     sh examples/counter.sh NAME [TIMES]
set -eu
times=${2:-1}
while [ "$times" -gt 0 ]; do
    rusty-kv incr "counter:$1"
    times=$((times - 1))
done
