/**
 * The fenced effect's child (`protocol.md`, rule 1): it takes the subject's lock, refuses a lower token than the stored
 * one, stores its own, and then runs what its caller sends, line by line, until the caller's end of the pipe closes.
 *
 * It is a process of its own, and so are the effects, because the caller may stall at any point. Whatever a stalled
 * caller wakes up to do next goes into the pipe of a child that a stronger contender has killed with its whole group,
 * and so does nothing. Commands inherit the lock's descriptor on purpose: the lock is free only once the last of them is
 * dead, not when it was merely told to die. Daemons close it (see {@link daemonLine}).
 *
 * Arguments: the subject's directory, the token (empty: a plain lock), the grace in seconds, the marker that ends the
 * output of each line. It answers first with `held`, or `superseded` and the stored token.
 */
export const GATE_SCRIPT = String.raw`#!/bin/bash
# freehold-gate DIRECTORY TOKEN GRACE MARKER
set -u
umask 077
dir=$1 token=$2 grace=$3 marker=$4

exec 9<>"$dir/lock" || exit 71

read_token() {
  stored=0
  [ -e "$dir/token" ] || return 0
  read -r stored <"$dir/token" || stored=
  [[ $stored =~ ^[0-9]+$ ]] || { echo "the token file $dir/token is damaged" >&2; exit 72; }
}

refuse_older() {
  [ -n "$token" ] || return 0
  read_token
  if (( token < stored )); then echo "superseded $stored"; exit 0; fi
}

# Kills the holder of the lock for an older token with its whole process group; for a plain lock, a holder that has held it all
# the time: others may have had their turns meanwhile.
kill_weaker_holder() {
  local pid= held= argv= before=$holder
  read -r pid held <"$dir/lock" || return 0
  holder=$pid
  [[ $pid =~ ^[0-9]+$ ]] || return 0
  if [ -n "$token" ]; then (( held < token )) || return 0; else [ "$pid" = "$before" ] || return 0; fi
  argv=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || return 0
  [[ $argv == *freehold-gate*" $dir "* ]] || return 0
  # So that the killed one learns that it was superseded, although the token is stored only once the lock is free.
  [ -z "$token" ] || echo "$token" >"$dir/contender"
  kill -KILL -- "-$pid" 2>/dev/null
  return 0
}

refuse_older
holder=
read -r holder _ <"$dir/lock"
until flock -w "$grace" 9; do
  refuse_older
  kill_weaker_holder
  # A holder that is as strong is waited for, and need not be looked at so often.
  [ "${"$"}{grace%%.*}" != 0 ] || grace=0.200
done
refuse_older
# In place, as the token: a full disk must not keep anybody from being told who holds it.
printf '%-40s\n' "$$ ${"$"}{token:-0}" 1<>"$dir/lock"

# Written over in place, a few bytes of one sector, so that there is no moment without a whole one; blanks keep its size.
store_token() {
  if [ -e "$dir/token" ]; then
    printf '%-20s\n' "$token" 1<>"$dir/token" && sync "$dir/token"
  else
    printf '%-20s\n' "$token" >"$dir/token.next" && sync "$dir/token.next" && mv -T "$dir/token.next" "$dir/token" && sync "$dir"
  fi
}

if [ -n "$token" ] && (( token > stored )); then store_token || exit 73; fi
[ ! -e "$dir/contender" ] || rm -f "$dir/contender"
echo held

# Signals processes named as PID:STARTTIME, and none that merely came to bear the same number.
signal_exactly() {
  local signal=$1 entry pid stat fields
  shift
  for entry; do
    pid=${"$"}{entry%%:*}
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
    fields=(${"$"}{stat##*) })
    [ "${"$"}{fields[19]}" = "${"$"}{entry##*:}" ] && kill "-$signal" "$pid" 2>/dev/null
  done
  return 0
}

while IFS= read -r line; do
  (eval "$line") </dev/null
  status=$?
  printf '\n%s %s\n' "$marker" "$status"
  printf '\n%s\n' "$marker" >&2
done
`;

/** Quotes one word for the shell; words with line breaks too, since a line of the gate may not hold a real one. */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_/.:=,@%+-]+$/.test(word)) return word;
  if (!/[\n\r\0]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `$'${escaped}'`;
}

/** Joins words to one command of the shell. */
export function command(...words: readonly string[]): string {
  return words.map(quote).join(' ');
}

/**
 * A line that starts a daemon: a session of its own, so that neither the end of the gate nor a kill of its group takes
 * it along, and neither the lock's descriptor nor any pipe of the caller's.
 */
export function daemonLine(line: string, logPath: string): string {
  return `exec setsid ${line} </dev/null >>${quote(logPath)} 2>&1 9>&- &`;
}
