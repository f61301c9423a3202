#!/bin/bash
#SBATCH --job-name=selvedge
#SBATCH --array=1-8
#SBATCH --ntasks=1
#
# One part of every test's executions for each task of the array. The verdict is the merge's:
#   job=$(sbatch --parsable examples/ci/slurm.sh)
#   sbatch --dependency=afterany:$job --wrap "cargo selvedge merge selvedge-shards"
export SELVEDGE_SHARD=auto
export SELVEDGE_SUMMARY=$PWD/selvedge-shards/$SLURM_ARRAY_TASK_ID.jsonl
mkdir -p selvedge-shards
cargo test --workspace || true
