/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel: updates one after the other, each a header of 48 bytes, data, and perhaps a table of more signatures; the
 * 32-bit words of all of it add up to 0.  AMD: a magic number, a table from CPU signatures to short ids, patches with a
 * short id each.
 */
#include "core/microcode.h"
#include <xen/errno.h>

static uint32_t sum32(struct blob b)
{
    uint32_t s = 0;

    for (uint64_t at = 0; at + 4 <= b.n; at += 4)
        s += blob_u32(b, at);
    return s;
}

/* ---- Intel ---- */

#define INTEL_HEADER   48u
#define INTEL_DATA     2000u /* if the header says 0 */
#define INTEL_TOTAL    2048u /* likewise */
#define INTEL_EXTENDED 20u   /* header of the signature table */
#define INTEL_ENTRY    12u

struct intel_update {
    struct blob all, data, table;
    uint32_t revision;
};

/* The update at the file's start. */
static bool intel_parse(struct blob file, struct intel_update *u)
{
    uint32_t data = blob_u32(file, 28), total = blob_u32(file, 32);

    if (file.n < INTEL_HEADER || blob_u32(file, 0) != 1 || blob_u32(file, 20) != 1)
        return false;
    if (!data) {
        data = INTEL_DATA;
        total = INTEL_TOTAL;
    }
    if (total % 4 || data % 4 || total > file.n || data > total || total - data < INTEL_HEADER)
        return false;
    u->all = blob_cut(file, 0, total);
    u->data = blob_cut(u->all, INTEL_HEADER, data);
    u->table = blob_from(u->all, INTEL_HEADER + data);
    u->revision = blob_u32(file, 4);
    if (sum32(blob_cut(u->all, 0, INTEL_HEADER + data)) != 0)
        return false;
    return !u->table.n || (blob_u32(u->table, 0) <= (u->table.n - 4) / INTEL_ENTRY && u->table.n >= INTEL_EXTENDED &&
                           sum32(u->table) == 0);
}

static bool intel_is_for(uint32_t signature, uint32_t platforms, const struct microcode_cpu *cpu)
{
    return signature == cpu->signature && (platforms & cpu->platform || !cpu->platform);
}

static bool intel_matches(const struct intel_update *u, const struct microcode_cpu *cpu)
{
    if (intel_is_for(blob_u32(u->all, 12), blob_u32(u->all, 24), cpu))
        return true;
    for (uint32_t i = 0; i < blob_u32(u->table, 0); i++)
        if (intel_is_for(blob_u32(u->table, INTEL_EXTENDED + i * INTEL_ENTRY),
                         blob_u32(u->table, INTEL_EXTENDED + i * INTEL_ENTRY + 4), cpu))
            return true;
    return false;
}

int microcode_find_intel(struct blob file, const struct microcode_cpu *cpu, struct microcode_update *best)
{
    struct intel_update u;

    best->revision = cpu->revision;
    best->patch = blob_make(NULL, 0);
    if (!file.n)
        return -XEN_EINVAL;
    for (; file.n; file = blob_from(file, u.all.n)) {
        if (!intel_parse(file, &u))
            return -XEN_EINVAL;
        if (u.revision > best->revision && intel_matches(&u, cpu)) {
            best->patch = u.data;
            best->revision = u.revision;
        }
    }
    return best->patch.n ? 0 : -XEN_ENOENT;
}

/* ---- AMD ---- */

#define AMD_MAGIC       0x00414d44u
#define AMD_TABLE       0u
#define AMD_PATCH       1u
#define AMD_SECTION     8u  /* type, length */
#define AMD_ENTRY       16u
#define AMD_PATCH_LEAST 64u /* the patch's header */

/* The short id of a signature; 0: the table has none. */
static uint16_t amd_short_id(struct blob table, uint32_t signature)
{
    for (uint64_t at = 0; blob_has(table, at, AMD_ENTRY) && blob_u32(table, at); at += AMD_ENTRY)
        if (blob_u32(table, at) == signature)
            return blob_u16(table, at + 12);
    return 0;
}

/* The next section: a patch.  False: damaged. */
static bool amd_patch(struct blob *file, struct blob *patch)
{
    uint32_t length = blob_u32(*file, 4);

    if (blob_u32(*file, 0) != AMD_PATCH || length < AMD_PATCH_LEAST || !blob_has(*file, AMD_SECTION, length))
        return false;
    *patch = blob_cut(*file, AMD_SECTION, length);
    *file = blob_from(*file, AMD_SECTION + (uint64_t)length);
    return true;
}

/* One container; several may stand one behind the other, each with its own table.  Takes it from the file.  False:
 * damaged. */
static bool amd_container(struct blob *file, const struct microcode_cpu *cpu, struct microcode_update *best)
{
    uint32_t length = blob_u32(*file, 8);
    struct blob patch;
    uint16_t id;

    if (blob_u32(*file, 0) != AMD_MAGIC || blob_u32(*file, 4) != AMD_TABLE || length < AMD_ENTRY ||
        !blob_has(*file, 12, length))
        return false;
    id = amd_short_id(blob_cut(*file, 12, length), cpu->signature);
    *file = blob_from(*file, 12ul + length);
    while (file->n && blob_u32(*file, 0) != AMD_MAGIC) {
        if (!amd_patch(file, &patch))
            return false;
        if (id && blob_u16(patch, 24) == id && blob_u32(patch, 4) > best->revision) {
            best->patch = patch;
            best->revision = blob_u32(patch, 4);
        }
    }
    return true;
}

int microcode_find_amd(struct blob file, const struct microcode_cpu *cpu, struct microcode_update *best)
{
    best->revision = cpu->revision;
    best->patch = blob_make(NULL, 0);
    do {
        if (!amd_container(&file, cpu, best))
            return -XEN_EINVAL;
    } while (file.n);
    return best->patch.n ? 0 : -XEN_ENOENT;
}
