# SPDX-License-Identifier: GPL-2.0-or-later
#
# count.sh DIR NAME...: count the cases in DIR/NAME.result; a NAME without one
# did not build, which is a failure, as is a file of core/ that does not.  Fails if anything did, or if nothing ran.
dir=$1
shift
ok=0
bad=0
for file in "$dir"/core/*.bad
do
    test -e "$file" || continue
    echo "not ok core/$(basename "$file" .raw.bad).c (does not build)"
    bad=$((bad + 1))
done
for name
do
    file=$dir/$name.result
    if ! test -s "$file"
    then
        echo "not ok $name (did not build)"
        bad=$((bad + 1))
        continue
    fi
    ok=$((ok + $(grep -c '^ok ' "$file")))
    bad=$((bad + $(grep -c '^not ok ' "$file")))
done
echo "host tests: $ok ok, $bad failed"
test "$bad" -eq 0 && test "$ok" -gt 0
