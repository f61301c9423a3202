#!/bin/sh
# The tests in so many processes of this machine: examples/ci/local.sh 4 [ARGUMENTS OF cargo test]
#
# Each process does its part of every test's executions; together they are the run of one.
set -eu
shards=${1:?how many shards}
shift
lines=$(mktemp -d)
cargo test --no-run "$@"
for shard in $(seq "$shards"); do
    SELVEDGE_SHARD=$shard/$shards SELVEDGE_SUMMARY=$lines/$shard.jsonl cargo test "$@" >"$lines/$shard.log" 2>&1 &
done
wait
cargo selvedge merge "$lines"
