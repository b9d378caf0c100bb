#!/bin/sh
# valgrind.sh PROGRAM KERNEL MODE clean|leaks - runs ct_psi under valgrind and demands a clean
# run, or (for a control) a reported leak.  77: skipped.
set -u
here=$(dirname "$0")
command -v valgrind >/dev/null 2>&1 || { echo "skipped: valgrind is not installed"; exit 77; }
suppressions=/dev/null
[ "$2:$3" = portable:tokens ] && suppressions="$here/libsodium.supp"
valgrind -q --error-exitcode=99 --suppressions="$suppressions" "$1" "$2" "$3"
code=$?
case "$4:$code" in
clean:0 | leaks:99) exit 0 ;;
*:77) exit 77 ;;
leaks:*) echo "the control was not reported (exit code $code)"; exit 1 ;;
*) echo "a secret reaches a branch or an address (exit code $code)"; exit 1 ;;
esac
