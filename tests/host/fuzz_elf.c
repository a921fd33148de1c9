/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a kernel, with a good header as a start; what is accepted must be loadable. */
/* fuzz-options: -max_len=2048 */
/* fuzz-weight: 5 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xen/xen.h>
#include "core/elf.h"

static void image_check(const struct elf_image *img, size_t size)
{
    if (!img->nr_segs || img->nr_segs > ELF_SEGS_MAX || img->virt_start >= img->virt_end)
        abort();
    if (img->entry < img->virt_start || img->entry >= img->virt_end)
        abort();
    if (img->virt_end > 1ul << 47 && img->virt_start < HYPERVISOR_VIRT_END)
        abort();
    for (unsigned int i = 0; i < img->nr_segs; i++)
    {
        const struct elf_seg *s = &img->segs[i];

        if (s->filesz > s->memsz || (s->filesz && (s->offset > size || s->filesz > size - s->offset)))
            abort();
        if (s->virt < img->virt_start || s->virt > img->virt_end || s->memsz > img->virt_end - s->virt)
            abort();
        for (unsigned int j = 0; j < i; j++)
            if (s->virt < img->segs[j].virt + img->segs[j].memsz && img->segs[j].virt < s->virt + s->memsz)
                abort();
    }
}

/* A little file whose one segment is the whole of it, with a note that the input follows. */
static const uint8_t start[] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 0, 62, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0,
    1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
    4, 0, 0, 0, 4, 0, 0, 0, 176, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
    4, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 'X', 'e', 'n', 0, 0, 0, 0x10, 0, 0, 0, 0, 0,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image img;
    size_t head = size && data[0] & 1 ? sizeof(start) : 0;
    const char *why = NULL;
    uint8_t *file;

    if (!size)
        return 0;
    file = malloc(head + size);
    memcpy(file, start, head);
    memcpy(file + head, data + 1, size - 1);
    size += head - 1;
    /* The second byte changes one of the header's. */
    if (head && size > head)
        file[data[1] % head] ^= data[size - head];
    if (!elf_parse(&img, file, size, &why))
        image_check(&img, size);
    else if (!why)
        abort();
    free(file);
    return 0;
}
