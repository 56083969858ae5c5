#!/usr/bin/env bash
# A Slurm cluster of its own on this machine: one controller and three nodes n1..n3 of 8 CPUs each, everything
# in one folder. Needs the programs of slurm-wlm and munge; none of their system services.
#   mini-slurm.sh up FOLDER     then: export SLURM_CONF=FOLDER/slurm.conf
#   mini-slurm.sh down FOLDER
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
action=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
export SLURM_CONF=$folder/slurm.conf

free_ports() {
  node -e '
    const net = require("node:net");
    const servers = Array.from({ length: Number(process.argv[1]) }, () => net.createServer());
    Promise.all(servers.map((s) => new Promise((done) => s.listen(0, "127.0.0.1", done)))).then(() => {
      console.log(servers.map((s) => s.address().port).join(" "));
      for (const s of servers) s.close();
    });' "$1"
}

configure() {
  local user host ports
  user=$(id -un) host=$(hostname -s)
  read -ra ports <<<"$(free_ports 4)"
  cat >"$SLURM_CONF" <<CONF
ClusterName=mini
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
# cred_expire: with the default of 120 s a requeued job waits as long before it starts again.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
SlurmctldPort=${ports[0]}
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2,requeue_delay=2
JobRequeue=1
# Time for a checkpoint between SIGTERM and SIGKILL.
KillWait=15
ReturnToService=2
SlurmdTimeout=30
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
CONF
  local node
  for node in 1 2 3; do
    printf 'NodeName=n%d NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=8 Sockets=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=65536 State=UNKNOWN\n' \
      "$node" "$host" "${ports[$node]}" >>"$SLURM_CONF"
  done
  printf 'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n' >>"$SLURM_CONF"
}

up() {
  mkdir -p "$folder/state" "$folder/log"
  chmod 755 "$folder"
  configure
  (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
  # --force: the folders above it may be writable for others, as /tmp is.
  munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
    --pid-file="$folder/munged.pid" --log-file="$folder/log/munged.log" --seed-file="$folder/munge.seed" 2>/dev/null
  slurmctld -c -f "$SLURM_CONF"
  local node deadline=$((SECONDS + 30))
  for node in 1 2 3; do slurmd -c -N "n$node" -f "$SLURM_CONF"; done
  until [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 3 ]; do
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 20 "$folder"/log/*.log >&2; return 1; }
    sleep 0.1
  done
}

# Returns when the process has written its last file.
stop() {
  kill "$1" 2>/dev/null || return 0
  while [ "$SECONDS" -lt "$deadline" ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; done
}

down() {
  local pid_file deadline=$((SECONDS + 25))
  scancel -u "$(id -un)" 2>/dev/null || true
  # Jobs end first: without slurmd nobody would tell them to.
  while [ "$SECONDS" -lt "$deadline" ] && [ -n "$(squeue -h 2>/dev/null)" ]; do sleep 0.2; done
  for pid_file in "$folder"/slurmd.*.pid "$folder/slurmctld.pid" "$folder/munged.pid"; do
    if [ -f "$pid_file" ]; then stop "$(cat "$pid_file")"; fi
  done
}

case $action in
  up) up ;;
  down) down ;;
  *) printf 'usage: %s up|down FOLDER\n' "$0" >&2; exit 2 ;;
esac
