#!/usr/bin/env bash
# Sends a run to Slurm: one job for the learner, an array of actor hosts that starts when the learner has started.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: submit.sh --run NAME [options] -- ENV [flags of `troupe learner`]

  --run NAME           name of the run; the same name again goes on with it
  --runs DIR           folder of run folders on a file system of all nodes (default: ./runs)
  --actors N           actor hosts (default: 4)
  --at-a-time N        of these, at most so many at a time (default: all)
  --certs DIR          certificates, from `troupe certs` (default: ./certs)
  --insecure           plaintext: anybody on the network may send what is learned from
  --gang               one heterogeneous job instead: all start together, and are lost together
  --learner OPTIONS    of sbatch, for the learner, as one word: "--partition=gpu --mem=64G"
  --actor OPTIONS      of sbatch, for the actors
  --actor-flags FLAGS  of `troupe actor`, as one word

Prints the job numbers: the learner's, then the actors'.
TEXT
}

fail() { printf 'submit.sh: %s\n' "$1" >&2; exit 2; }

here=$(cd "$(dirname "$0")" && pwd)
run='' runs=runs actors=4 at_a_time='' certs=certs insecure='' gang='' learner='' actor='' actor_flags=''
while [ $# -gt 0 ]; do
  case $1 in
    --run) run=$2; shift 2 ;;
    --runs) runs=$2; shift 2 ;;
    --actors) actors=$2; shift 2 ;;
    --at-a-time) at_a_time=%$2; shift 2 ;;
    --certs) certs=$2; shift 2 ;;
    --insecure) insecure=--insecure; shift ;;
    --gang) gang=yes; shift ;;
    --learner) learner=$2; shift 2 ;;
    --actor) actor=$2; shift 2 ;;
    --actor-flags) actor_flags=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; fail "unknown option $1" ;;
  esac
done
[ -n "$run" ] || fail "--run is missing"
[ $# -gt 0 ] || fail "after -- the environment is missing"
[[ $actors =~ ^[1-9][0-9]*$ ]] || fail "--actors $actors is no number of actor hosts"

# npx would stand between Slurm's signals and the process, so the program itself is looked for.
if [ -z "${CLUSTER_TROUPE:-}" ]; then
  CLUSTER_TROUPE=$(command -v troupe || realpath -s node_modules/.bin/troupe)
  [ -x "${CLUSTER_TROUPE%% *}" ] || fail "there is no troupe on the PATH nor in node_modules: npm install troupe, or set CLUSTER_TROUPE"
fi
mkdir -p "$runs"
export CLUSTER_TROUPE CLUSTER_RUN=$run
CLUSTER_RUNS=$(cd "$runs" && pwd)
if [ -n "$insecure" ]; then
  CLUSTER_SECURITY=--insecure
else
  for role in learner actor; do
    [ -r "$certs/$role.key" ] || fail "$certs/$role.key is missing: troupe certs init --dir $certs && troupe certs issue $role --dir $certs"
  done
  CLUSTER_SECURITY="--certs $(cd "$certs" && pwd)"
fi
export CLUSTER_RUNS CLUSTER_SECURITY

if [ -n "$gang" ]; then
  export CLUSTER_ACTORS=$actors CLUSTER_ACTOR_FLAGS=$actor_flags
  # shellcheck disable=SC2086 # words on purpose
  sbatch --parsable --export=ALL $learner : --ntasks="$actors" $actor "$here/hetjob.sbatch" "$@"
  exit
fi
# shellcheck disable=SC2086
CLUSTER_LEARNER_JOB=$(sbatch --parsable --export=ALL $learner "$here/learner.sbatch" "$@")
export CLUSTER_LEARNER_JOB
printf '%s\n' "$CLUSTER_LEARNER_JOB"
# shellcheck disable=SC2086
sbatch --parsable --export=ALL --dependency="after:$CLUSTER_LEARNER_JOB" --kill-on-invalid-dep=yes \
  --array="0-$((actors - 1))$at_a_time" $actor "$here/actors.sbatch" $actor_flags
