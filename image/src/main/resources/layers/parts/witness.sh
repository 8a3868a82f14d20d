#!/bin/sh
# sallyport-witness: looks whether the agent comes to listen on its port, and has the last words said when that will not be. A
# timer starts it seconds into the boot; it ends when the port listens. In its loop the shell does all by itself but the sleeping,
# and it never holds slowness against the agent: only a machine that has nothing to do is at an end.
set -u
LC_ALL=C PATH=${WORDS_PATH:-/usr/bin:/bin:/usr/sbin:/sbin}
export LC_ALL PATH
root=${WORDS_ROOT:-} run=${WORDS_RUN:-/run} unit=${WORDS_UNIT:-sallyport-agent.service}
words=${WORDS_SCRIPT:-/usr/lib/sallyport/last-words}
group=$root/sys/fs/cgroup/system.slice/$unit
# 8080
port=1F90

# listens FILE: whether a socket of /proc/net/tcp or tcp6 listens on the port on all addresses; `elsewhere` when it is another.
elsewhere='' found=''
listens() {
  if [ ! -r "$1" ]; then return 1; fi
  while read -r _ own _ state _; do
    if [ "$state" != 0A ]; then continue; fi
    case $own in
      00000000:$port | 00000000000000000000000000000000:$port | 0000000000000000FFFF000000000000:$port) return 0 ;;
      *) elsewhere=1 ;;
    esac
  done <"$1"
  return 1
}

# In milliseconds: how long the machine has run, how long of that its processors had nothing to do, and what the agent has used.
up=0 idle=0 used=0
milliseconds() { milli=${1%.*}${1#*.}0; milli=${milli#"${milli%%[!0]*}"}; milli=${milli:-0}; }
look() {
  read -r first second <"$root/proc/uptime"
  milliseconds "$first"; up=$milli
  milliseconds "$second"; idle=$milli
  runs=''
  { read -r runs <"$group/cgroup.procs"; } 2>/dev/null
  if [ -n "$runs" ]; then
    while read -r name value; do
      if [ "$name" = usage_usec ]; then used=$((value / 1000)); break; fi
    done <"$group/cpu.stat"
  fi
}

processors=0
while read -r name _; do
  case $name in
    cpu[0-9]*) processors=$((processors + 1)) ;;
    intr) break ;;
  esac
done <"$root/proc/stat"

still=0 turns=0 pause=1
look
while [ "$turns" -lt 600 ]; do
  turns=$((turns + 1)) elsewhere=''
  if listens "$root/proc/net/tcp" || listens "$root/proc/net/tcp6"; then exit 0; fi
  last_up=$up last_idle=$idle last_used=$used last_runs=$runs
  sleep "$pause"
  look
  passed=$((up - last_up))
  if [ "$passed" -le 0 ]; then continue; fi
  # Still: the machine was idle for most of the time, and what the agent used is next to nothing (2 %).
  if [ "$(((idle - last_idle) * 2))" -ge "$((passed * processors))" ] && [ "$runs" = "$last_runs" ] \
    && [ "$(((used - last_used) * 50))" -lt "$passed" ]; then
    still=$((still + passed)) pause=1
  else
    # Somebody works; looking often would only make that slower.
    still=0 pause=2
  fi
  reason=''
  if [ -z "$runs" ]; then
    # Nothing was started, though the machine has had the time. Where it was started and ended, that has been said already.
    if [ "$still" -ge 1500 ]; then
      if [ -e "$run/sallyport-words.1" ]; then still=0 pause=2; else reason=not-started; fi
    fi
  elif [ -n "$elsewhere" ]; then
    if [ "$still" -ge 1500 ]; then reason=not-listening; fi
  else
    if [ "$still" -ge 3000 ]; then reason=hung; fi
  fi
  if [ -n "$reason" ]; then
    # It may have come to listen since.
    if listens "$root/proc/net/tcp" || listens "$root/proc/net/tcp6"; then exit 0; fi
    exec "$words" "$reason"
  fi
done
