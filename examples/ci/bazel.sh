#!/bin/sh
# Runs the test binary that is its first argument as one of Bazel's shards; see BUILD.bazel.
set -eu
# Bazel asks tests to show that they know of shards.
[ -z "${TEST_SHARD_STATUS_FILE:-}" ] || touch "$TEST_SHARD_STATUS_FILE"
export SELVEDGE_SHARD=auto
export SELVEDGE_SUMMARY="$TEST_UNDECLARED_OUTPUTS_DIR/shard.jsonl"
exec "$@"
