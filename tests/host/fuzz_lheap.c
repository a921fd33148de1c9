/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/lheap.c: nodes come and go as the input's bytes say; after each step the audit, and the top is the least of those that are in. */
/* fuzz-options: -max_len=400 -len_control=0 -runs=40000 */
#include <stdlib.h>
#include <string.h>
#include "lheap_audit.h"

#define NODES 48

static struct lheap_node nodes[NODES];
static struct lheap heap;
static uint64_t base;

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Every node that is in the heap is met once, and none that is not. */
static void check(void)
{
    bool met[NODES] = { false };
    unsigned in = 0;

    must(!lheap_audit(&heap));
    for (struct lheap_node *n = heap.top; n; n = lheap_walk(n, false)) {
        must(n >= nodes && n < nodes + NODES && !met[n - nodes] && lheap_in(n));
        met[n - nodes] = true;
    }
    for (unsigned i = 0; i < NODES; i++) {
        must(met[i] == lheap_in(&nodes[i]));
        must(!met[i] || heap.top->key - base <= nodes[i].key - base);
        in += met[i];
    }
    must(in == heap.count);
}

/* Below a node that is skipped nobody is met; everybody else whose ancestors aren't is. */
static void check_walk(uint64_t limit)
{
    unsigned met = 0, want = 0;

    for (struct lheap_node *n = heap.top; n; n = lheap_walk(n, n->key - base >= limit))
        met++;
    for (unsigned i = 0; i < NODES; i++)
        want += lheap_in(&nodes[i]) && (!nodes[i].up || nodes[i].up->key - base < limit);
    must(met == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t bases[] = { 0, UINT64_MAX - 100, INT64_MAX - 100, 1ull << 40 };

    memset(nodes, 0, sizeof(nodes));
    heap = (struct lheap){ 0 };
    base = size ? bases[data[0] % 4] : 0;
    for (size_t i = 1; i + 1 < size; i += 2) {
        struct lheap_node *n = &nodes[data[i] % NODES];

        if (data[i] >= 5 * NODES && heap.top)
            n = heap.top;
        if (lheap_in(n))
            lheap_remove(&heap, n);
        else
            lheap_insert(&heap, n, base + data[i + 1]);
        check();
        check_walk(data[i + 1]);
    }
    while (heap.top) {
        lheap_remove(&heap, heap.top);
        check();
    }
    return 0;
}
