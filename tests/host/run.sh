# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh PROGRAM: run one host test or fuzzer; print "ok NAME" or "not ok NAME"
# for each case, and what the program said about those that failed.
prog=$1
name=$(basename "$prog")
src=tests/host/$name.c
case $prog in *-thread/*) title=$name.tsan ;; *) title=$name ;; esac
limit=${HOST_TIMEOUT:-300}
limit=$(awk "BEGIN { print int($limit * ${HOSPES_PATIENCE:-1}) }")
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1

run_fuzz()
{
    options=$(sed -n 's/.*fuzz-options: *\([^*]*\).*/\1/p' "$src" | head -n 1)
    weight=$(sed -n 's/.*fuzz-weight: *\([0-9]*\).*/\1/p' "$src" | head -n 1)
    seeds=tests/host/corpus/${name#fuzz_}
    test -d "$seeds" || seeds=
    work=$prog.corpus
    rm -rf "$work"; mkdir "$work"
    if timeout "$limit" "$prog" -seed=1 -runs=$((FUZZ_RUNS * ${weight:-1})) -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$prog." $options "$work" $seeds > "$prog.log" 2>&1
    then
        echo "ok $name ($(sed -n 's/^stat::number_of_executed_units: *//p' "$prog.log") inputs, $(sed -n 's/^Done .* in \([0-9]*\) second.*/\1/p' "$prog.log") s)"
    else
        echo "not ok $name"
        tail -n 40 "$prog.log" | sed 's/^/# /'
    fi
    rm -rf "$work"
}

run_tests()
{
    CMOCKA_MESSAGE_OUTPUT=TAP timeout "$limit" "$prog" > "$prog.log" 2>&1
    status=$?
    awk -v name="$title" -v status=$status '
        /^(not )?ok [0-9]+ / {
            bad = /^not/
            title = $0; sub(/^(not )?ok [0-9]+ (- )?/, "", title)
            print (bad ? "not ok " : "ok ") name "/" title
            seen++; failed += bad; next
        }
        /^1\.\.[0-9]+/ { planned = substr($0, 4) + 0; next }
        { other[n++] = $0 }
        END {
            if (status != 0 && !failed) { print "not ok " name " (ended with status " status ")"; failed++ }
            else if (seen < planned && !failed) { print "not ok " name " (ran " seen " of " planned ")"; failed++ }
            else if (!seen) { print "not ok " name " (ran no test)"; failed++ }
            if (failed) for (i = n > 60 ? n - 60 : 0; i < n; i++) print "# " other[i]
        }' "$prog.log"
}

case $name in
fuzz_*) run_fuzz ;;
*) run_tests ;;
esac
