#!/usr/bin/env bash
# tests/slurm.sh CMD ...: a real Slurm on this machine alone, for as long as CMD runs. For tests: test_slurm.py.
#   tests/slurm.sh bash                                                            then sinfo, squeue, scancel …
#   tests/slurm.sh ./run snakemake --profile workflow/profiles/slurm --slurm-no-account
# One node with a partition for processors and one for GPUs, as workflow/profiles/slurm names them, and a partition `urgent` whose
# jobs preempt the others'. It says that it has 16 processors, 100 GB and 4 GPUs, so that what the profile asks for is given; nothing
# is held to it. No accounting, no systemd: own folder, own munge key and socket, loopback alone. The one thing outside of its folder is
# the link /etc/slurm/slurm.conf, for the programs of Slurm look there. Exit code 77: it cannot be done here, and one line says why.
set -euo pipefail

cannot() { echo "slurm: $*" >&2; exit 77; }
link=/etc/slurm/slurm.conf

[ $# -gt 0 ] || { echo "slurm: expected a command, for example: tests/slurm.sh bash" >&2; exit 2; }
export PATH="$PATH:/usr/sbin:/sbin"
for program in slurmctld slurmd munged sbatch setpriv; do
  command -v $program >/dev/null || cannot "$program is not installed; on Debian: apt-get install slurm-wlm munge"
done
[ "$(id -u)" = 0 ] || cannot "its daemons are started by root alone"
[ -z "${SLURM_CONF:-}${SLURM_JOB_ID:-}" ] || cannot "SLURM_CONF or SLURM_JOB_ID is set, so this machine has a Slurm"
if [ -L $link ] && [ -f $link.swapcore ] && ! kill -0 "$(cat $link.swapcore)" 2>/dev/null; then
  left=$(readlink $link)  # of a run that was killed
  rm -f $link $link.swapcore
  case $left in */swapcore-slurm.??????/slurm.conf) rm -rf "${left%/slurm.conf}" ;; esac
fi
[ ! -e $link ] && [ ! -L $link ] || cannot "a Slurm is configured on this machine: $link"

S=$(mktemp -d "${TMPDIR:-/tmp}/swapcore-slurm.XXXXXX")
daemons=() linked='' etc=''

# Only what was started here: the jobs of this Slurm, its daemons, its links.
stop() {
  code=$?
  trap '' INT TERM HUP
  if [ -n "$linked" ]; then
    scancel --quiet --user=root 2>/dev/null || true
    for _ in $(seq 150); do [ -n "$(squeue --noheader 2>/dev/null || true)" ] || break; sleep 0.2; done
    rm -f $link $link.swapcore
    [ -z "$etc" ] || rmdir --ignore-fail-on-non-empty /etc/slurm
  fi
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
  rm -rf "$S"
  exit $code
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

mkdir "$S"/{state,spool,log,munge}
chmod 711 "$S" "$S/munge"
dd if=/dev/urandom of="$S/munge/key" bs=1024 count=1 status=none
chmod 400 "$S/munge/key"
node=$(hostname -s)
cat > "$S/slurm.conf" <<CONF
ClusterName=swapcore
SlurmctldHost=$node(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$S/munge/socket
CredType=cred/munge
SlurmctldPidFile=$S/slurmctld.pid
SlurmdPidFile=$S/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.log
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
ReturnToService=2
MinJobAge=86400
KillWait=20
MailProg=/bin/true
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=16 RealMemory=100000 Gres=gpu:4 State=UNKNOWN
PartitionName=cpu Nodes=$node Default=YES MaxTime=INFINITE PriorityTier=1
PartitionName=gpu Nodes=$node MaxTime=INFINITE PriorityTier=1
PartitionName=urgent Nodes=$node MaxTime=INFINITE PriorityTier=2
CONF
for gpu in 0 1 2 3; do : > "$S/gpu$gpu"; done
echo "NodeName=$node Name=gpu File=$S/gpu[0-3]" > "$S/gres.conf"
echo "CgroupAutomount=no" > "$S/cgroup.conf"
[ -d /etc/slurm ] || { mkdir /etc/slurm; etc=made; }
linked=yes
ln -s "$S/slurm.conf" $link
echo $$ > $link.swapcore

# each ends with this script, however that ends
begin() { setpriv --pdeathsig TERM "$@" </dev/null >>"$S/log/started" 2>&1 & daemons+=($!); }
begin munged --foreground --key-file="$S/munge/key" --socket="$S/munge/socket" --pid-file="$S/munge/pid" --seed-file="$S/munge/seed"
for _ in $(seq 100); do [ -S "$S/munge/socket" ] && break; sleep 0.1; done
begin slurmctld -D -c -f "$S/slurm.conf"
begin slurmd -D -c -N "$node" -f "$S/slurm.conf"
for _ in $(seq 300); do
  sinfo --noheader --format=%T 2>/dev/null | grep -q idle && break
  sleep 0.1
done
sinfo --noheader --format=%T 2>/dev/null | grep -q idle || { tail -n 20 "$S"/log/* >&2; echo "slurm: the node did not come up" >&2; exit 1; }
echo "slurm: $(sinfo --version), partitions $(sinfo --noheader --format=%P | tr '\n' ' ')"
"$@"
