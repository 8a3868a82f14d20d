#!/bin/sh
# sallyport-last-words REASON: writes to the console why the agent's unit or the boot failed, line by line as it is found, so that
# a look which hangs takes nothing from the lines before it. REASON: unit-failed, not-started, not-listening, hung, emergency.
#
# Runs where memory, disks or systemd itself may be in trouble: it keeps nothing in files, and starts few programs, each with a
# deadline. Its paths come from variables, for tests.
set -fu
LC_ALL=C PATH=${WORDS_PATH:-/usr/bin:/bin:/usr/sbin:/sbin}
export LC_ALL PATH
console=${WORDS_CONSOLE:-/dev/console} root=${WORDS_ROOT:-} run=${WORDS_RUN:-/run}
unit=${WORDS_UNIT:-sallyport-agent.service} reason=${1:-unit-failed}
most=80 reports=5 words=''
exec 3>"$console" || exit 1

# As ExecStopPost= it runs at every end of the unit, good ones too.
if [ "$reason" = unit-failed ] && [ "${SERVICE_RESULT:-failed}" = success ]; then exit 0; fi
# As OnFailure= it would repeat what ExecStopPost= said of the same end a moment ago.
if [ -n "${MONITOR_INVOCATION_ID:-}" ] && [ "${MONITOR_SERVICE_RESULT:-}" != start-limit-hit ]; then
  said=''
  { read -r said <"$run/sallyport-words.said"; } 2>/dev/null
  if [ "$said" = "$MONITOR_INVOCATION_ID" ]; then exit 0; fi
fi

# One at a time. Without room for the lock's file it goes on: two reports that mix are better than none.
if { true >>"$run/sallyport-words.lock"; } 2>/dev/null && exec 9>>"$run/sallyport-words.lock"; then flock -w 10 9; fi
# So many reports in a boot, and no more. A file is made only where there is none: noclobber.
set -C
number=1
while ! { true >"$run/sallyport-words.$number"; } 2>/dev/null && [ -e "$run/sallyport-words.$number" ]; do
  number=$((number + 1))
  if [ "$number" -gt "$reports" ]; then exit 0; fi
done
set +C
if [ -n "${SERVICE_RESULT:-}" ]; then { echo "${INVOCATION_ID:-}" >"$run/sallyport-words.said"; } 2>/dev/null; fi

lines=0
# As many question marks as a line has characters beside its prefix: a pattern, by which it is cut without a program.
some='????????????????????????????????'
cut=$some$some$some$some$some$some$some$some
# put TEXT: one line of the report, of printable characters, in one write.
put() {
  if [ "$lines" -ge "$most" ]; then return; fi
  lines=$((lines + 1)) text=$1
  case $text in $cut*) text=${text%"${text#$cut}"} ;; esac
  # What is no printable ASCII becomes a question mark; nearly all lines hold none.
  left=$text text=''
  while :; do
    case $left in
      *[!\ -~]*) text=$text${left%%[!\ -~]*}'?' left=${left#*[!\ -~]} ;;
      *) text=$text$left; break ;;
    esac
  done
  words="$words$text
"
  printf 'sallyport-words: %s\n' "$text" >&3
}
limited() { timeout "${WORDS_TIMEOUT:-10}" "$@" </dev/null 2>/dev/null; }

# The line before may have no end.
printf '\nsallyport-words: BEGIN 1 %s\n' "$reason" >&3

# What was the unit's end, told by systemd to ExecStopPost= itself: costs nothing, and is there even if the looks below fail.
if [ -n "${SERVICE_RESULT:-}" ]; then
  ended="unit $unit Result=$SERVICE_RESULT"
  # systemctl shows numbers here (waitid(2)), and so do we.
  case ${EXIT_CODE:-} in
    exited) ended="$ended ExecMainCode=1 ExecMainStatus=${EXIT_STATUS:-}" ;;
    killed) ended="$ended ExecMainCode=2" ;;
    dumped) ended="$ended ExecMainCode=3" ;;
  esac
  put "$ended"
fi

# ---- units
id='' load='' active='' job='' pid='' start='' error='' values='' others='' seen_agent='' after=''
end_of_unit() {
  if [ -z "$id" ]; then return; fi
  if [ "$id" = "$unit" ]; then
    if [ -n "$seen_agent" ]; then id='' values='' error=''; return; fi
    seen_agent=1
    agent_load=$load agent_active=$active agent_job=$job agent_pid=$pid agent_start=$start agent_after=$after
  else
    others=$((others + 1))
  fi
  if [ "$id" = "$unit" ] || [ "$others" -le 8 ]; then
    put "unit $id$values"
    if [ -n "$error" ]; then put "error $id $error"; fi
  fi
  id='' load='' active='' job='' pid='' start='' error='' values='' after=''
}
agent_load='' agent_active='' agent_job='' agent_pid='' agent_start='' agent_after='' others=0
shown=$(limited systemctl show --no-pager --state=failed -p Id -p LoadState -p LoadError -p ActiveState -p SubState -p Result \
  -p UnitFileState -p ExecMainCode -p ExecMainStatus -p NRestarts -p MainPID -p FragmentPath -p Job -p ExecStart \
  -p After -p Requires -p BindsTo -p Requisite "$unit" '*') || put "error $unit systemctl does not answer"
# Values come before Id= in no order that is promised, so each unit is written at the empty line after it.
while read -r line; do
  value=${line#*=}
  case $line in
    '') end_of_unit ;;
    Id=*) id=$value ;;
    LoadError=*) error=$value ;;
    Job=*) job=$value ;;
    ExecStart=*) case $value in *' path='*) value=${value#*path=} start=${value%% ;*} ;; esac ;;
    After=* | Requires=* | BindsTo=* | Requisite=*) after="$after $value" ;;
    *=) ;;
    *' '*) ;;
    *)
      case $line in
        LoadState=*) load=$value ;;
        ActiveState=*) active=$value ;;
        MainPID=*) pid=$value ;;
      esac
      values="$values $line" ;;
  esac
done <<END
$shown

END

# ---- what enables it
targets='' links=0
set +f
for link in "$root"/etc/systemd/system/*.wants/"$unit" "$root"/etc/systemd/system/*.requires/"$unit" \
  "$root"/run/systemd/system/*.wants/"$unit" "$root"/run/systemd/system/*.requires/"$unit" \
  "$root"/usr/lib/systemd/system/*.wants/"$unit" "$root"/usr/lib/systemd/system/*.requires/"$unit"; do
  if [ ! -L "$link" ] && [ ! -e "$link" ]; then continue; fi
  links=$((links + 1))
  if [ "$links" -gt 8 ]; then break; fi
  path=${link#"$root"}
  if [ "$link" -ef /dev/null ]; then
    put "link $path masked"
  elif [ -e "$link" ]; then
    put "link $path ok"
  else
    put "link $path dangling"
  fi
  folder=${link%/*}
  folder=${folder##*/}
  targets="$targets ${folder%.*}"
done
set -f

# ---- what it waits for: only where it has not run
case $agent_active in
  active | failed | deactivating | reloading) waits='' ;;
  *) waits=1 ;;
esac
if [ -n "$agent_job" ] && [ "$agent_job" != 0 ]; then waits=1; fi
if [ "$reason" = emergency ]; then waits=1; fi
if [ -n "$waits" ]; then
  jobs=0
  listed=$(limited systemctl list-jobs --no-legend --no-pager --plain) || put "error $unit systemctl does not list its jobs"
  while read -r _ name type state _; do
    if [ -z "$name" ]; then continue; fi
    jobs=$((jobs + 1))
    if [ "$jobs" -gt 16 ]; then break; fi
    put "job $name $type $state"
  done <<END
$listed
END
  # shellcheck disable=SC2086
  if [ -n "$agent_after$targets" ]; then
    shown=$(limited systemctl show --no-pager -p Id -p ActiveState -- $targets $agent_after) || shown=''
    id='' active='' afters=0 told=' '
    while read -r line; do
      case $line in
        Id=*) id=${line#*=} ;;
        ActiveState=*) active=${line#*=} ;;
        '')
          if [ -n "$id" ]; then
            case $told in *" $id "*) id=''; continue ;; esac
            told="$told$id "
            case " $targets " in *" $id "*) put "target $id $active" ;; esac
            case " $agent_after " in
              *" $id "*)
                if [ "$active" != active ] && [ "$afters" -lt 12 ]; then
                  afters=$((afters + 1))
                  put "after $id $active"
                fi ;;
            esac
          fi
          id='' active='' ;;
      esac
    done <<END
$shown

END
  fi
fi

# ---- what it starts
# look KIND PATH
look() {
  if [ ! -e "$root$2" ]; then
    put "$1 $2 missing"
  elif [ ! -f "$root$2" ] || [ ! -x "$root$2" ]; then
    put "$1 $2 not-executable"
  else
    put "$1 $2 ok"
  fi
}
if [ -n "$agent_start" ]; then
  look exec "$agent_start"
  if [ -f "$root$agent_start" ]; then
    # The shell leaves NUL bytes out: what stands between them stays.
    begin=$(limited head -c 2048 "$root$agent_start")
    case $begin in
      '#!'*)
        begin=${begin#??}
        begin=${begin%%"
"*}
        # shellcheck disable=SC2086
        set -- $begin
        if [ -n "${1:-}" ]; then look interpreter "$1"; fi ;;
      ?ELF*/ld*.so.*)
        # PT_INTERP stands early in the file: /lib64/ld-linux-x86-64.so.2, /lib/ld-musl-x86_64.so.1
        name=${begin#*/ld} folder=${begin%%/ld*}
        case $folder in
          */lib64) folder=/lib64 ;;
          */lib) folder=/lib ;;
          *) folder='' ;;
        esac
        version=${name#*.so.}
        name=${name%%.so.*}
        case $folder$name in
          '' | *[!A-Za-z0-9_./-]*) ;;
          /lib*) look interpreter "$folder/ld$name.so.${version%"${version#?}"}" ;;
        esac ;;
    esac
  fi
fi

# ---- what it does
# The addresses of /proc/net/tcp are hexadecimal words in the processor's order: little-endian on all that we run on.
# The listening state is 0A.
# dotted DIGITS: sets address.
dotted() {
  d=${1%??}; c=${d%??}; b=${c%??}
  address=$((0x${1#"$d"})).$((0x${d#"$c"})).$((0x${c#"$b"})).$((0x$b))
}
sockets=0
if [ -r "$root/proc/net/tcp" ]; then
  while read -r _ own _ state _; do
    if [ "$state" != 0A ]; then continue; fi
    sockets=$((sockets + 1))
    if [ "$sockets" -gt 12 ]; then break; fi
    dotted "${own%:*}"
    put "listen $address $((0x${own#*:}))"
  done <"$root/proc/net/tcp"
fi
if [ -r "$root/proc/net/tcp6" ]; then
  while read -r _ own _ state _; do
    if [ "$state" != 0A ]; then continue; fi
    sockets=$((sockets + 1))
    if [ "$sockets" -gt 16 ]; then break; fi
    digits=${own%:*}
    case $digits in
      00000000000000000000000000000000) address=:: ;;
      00000000000000000000000001000000) address=::1 ;;
      # An IPv4 address in IPv6's clothes (RFC 4291, section 2.5.5.2).
      0000000000000000FFFF0000*) dotted "${digits#0000000000000000FFFF0000}" ;;
      *)
        address='' rest=$digits
        while [ -n "$rest" ]; do
          word=${rest%"${rest#????????}"}
          rest=${rest#????????}
          f=${word%??}; e=${f%??}; d=${e%??}
          address="$address${address:+:}${word#"$f"}${f#"$e"}:${e#"$d"}$d"
        done ;;
    esac
    put "listen $address $((0x${own#*:}))"
  done <"$root/proc/net/tcp6"
fi
if [ -n "$agent_pid" ] && [ "$agent_pid" != 0 ]; then
  line=''
  { read -r line <"$root/proc/$agent_pid/stat"; } 2>/dev/null
  if [ -n "$line" ]; then
    name=${line#*\(}
    name=${name%\)*}
    # shellcheck disable=SC2086
    set -- ${line##*\) }
    # Clock ticks are hundredths of a second on every Linux that we run on.
    put "process $(printf '%s' "$name" | tr -c '!-~' '_') $1 $(((${12} + ${13}) * 10))"
  fi
fi

# ---- what the machine has
# The addresses of a machine are those that its routing table calls local.
addresses='' address=''
if [ -r "$root/proc/net/fib_trie" ]; then
  while read -r first second _; do
    case $first in
      '|--') address=$second ;;
      /32) case $second:$address in host:127.*) ;; host:*) case " $addresses " in *" $address "*) ;; *) addresses="$addresses $address" ;; esac ;; esac ;;
    esac
  done <"$root/proc/net/fib_trie"
fi
set +f
interfaces=0
for entry in "$root"/sys/class/net/*; do
  name=${entry##*/}
  if [ "$name" = lo ] || [ ! -e "$entry" ]; then continue; fi
  interfaces=$((interfaces + 1))
  if [ "$interfaces" -gt 4 ]; then break; fi
  state=unknown
  { read -r state <"$entry/operstate"; } 2>/dev/null
  # shellcheck disable=SC2086
  set -- $addresses
  put "net $name $state ${1:--}"
  addresses=${addresses#" ${1:-}"}
done
set -f
if [ "$interfaces" -eq 0 ]; then put 'net none'; fi
disks=$(limited stat -f -c '%n %b %f %a %S' "$root/" "$run")
while read -r mount all free available size; do
  if [ -z "${size:-}" ] || [ "$all" -eq 0 ]; then continue; fi
  if [ "$mount" = "$root/" ]; then mount=/; fi
  put "disk $mount $(((all - free) * 100 / all)) $((available * (size / 512) / 2))"
done <<END
$disks
END
total='' available=''
while read -r name value _; do
  case $name in
    MemTotal:) total=$value ;;
    MemAvailable:) available=$value; break ;;
  esac
done <"$root/proc/meminfo"
put "memory ${available:-0} ${total:-0}"
# The kernel tells when it began by the clock of now.
btime=0 up=0
while read -r name value _; do
  case $name in btime) btime=$value; break ;; esac
done <"$root/proc/stat"
read -r up _ <"$root/proc/uptime"
put "clock $((btime + ${up%.*}))"

# ---- what it said
# A line in the journal may have 48 KiB, and the shell reads byte by byte.
said=$(limited journalctl --merge --no-pager --quiet --no-hostname -o cat -n 12 -u "$unit" | head -c 8192)
while read -r line; do
  if [ -n "$line" ]; then put "journal $line"; fi
done <<END
$said
END

sum=$(printf '%s' "$words" | cksum)
printf 'sallyport-words: END %s %s\n' "$lines" "${sum%% *}" >&3
