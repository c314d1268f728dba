/* The checks of a message on the good path, and the walk over its TLV frames; inline, for those who do little else.
 *
 * Must not know fields of a payload.  The order of checks and every error are those of `_python/checks.py`, which is
 * asked as soon as something is not well.  Every read of a message stays within its size, whatever its bytes say, also
 * when they have changed since they were checked: a message may lie in memory that its owner goes on using.
 */
#ifndef PROTOCOL_WALK_H
#define PROTOCOL_WALK_H

#include "core.h"
#include "crc32.h"

#define NO_TYPE 256u /* no frame has it */

/* Whether no vector of a payload says that it has more elements than there is room for. */
static inline int counts_fit(const Table *table, const uint8_t *payload)
{
    for (Py_ssize_t i = 0; i < table->vector_count; i++) {
        const Field *field = &table->fields[table->vectors[i]];
        if (get16(payload + field->offset) > field->capacity)
            return 0;
    }
    return 1;
}

/* 1 frame, 0 end, -1 wrong */
static inline int next_frame(const uint8_t *message, uint32_t size, uint32_t *at, Frame *frame)
{
    uint32_t here = *at, left = size - here;
    if (left == 0)
        return 0;
    if (left < STANDARD_FRAME)
        return -1;
    const uint8_t *p = message + here; /* safety: `left` bytes lie behind p */
    uint32_t need;
    if (p[0] != EXTENDED_MARKER) {
        need = STANDARD_FRAME + p[1];
        frame->type = p[0];
        frame->extended = 0;
        frame->start = here + STANDARD_FRAME;
    }
    else {
        if (left < EXTENDED_FRAME || p[1] != 0 || p[2] == EXTENDED_MARKER)
            return -1;
        need = EXTENDED_FRAME + get16(p + 3);
        frame->type = p[2];
        frame->extended = 1;
        frame->start = here + EXTENDED_FRAME;
    }
    if (need > left)
        return -1;
    *at = frame->end = here + need;
    return 1;
}

static inline int payload_fits(const uint8_t *message, const Frame *frame)
{
    const TypeEntry *entry = &core.types[frame->type];
    uint32_t size = frame->end - frame->start;
    if (size < entry->low || size > entry->high)
        return 0;
    return !entry->table || entry->table->vector_count == 0 || counts_fit(entry->table, message + frame->start);
}

/* Whether all is well; then the message's `size`, and the `first` frame of a type, which starts at 0 if there is none. */
static inline int message_with(const uint8_t *p, Py_ssize_t there, int verify, Py_ssize_t limit, int allow_trailing,
                               uint32_t *size, unsigned type, Frame *first)
{
    if (there < (Py_ssize_t)HEADER_SIZE || get32(p) != MAGIC || p[5] != VERSION)
        return 0;
    /* safety: the sum is made in 64 bits, so a payload_size near 2^32 cannot wrap */
    uint64_t whole = (uint64_t)HEADER_SIZE + get32(p + 24);
    if (limit < 0 || whole > (uint64_t)limit || whole > (uint64_t)there || whole > UINT32_MAX)
        return 0;
    if ((uint64_t)there > whole && !allow_trailing)
        return 0;
    if (verify && crc32_message(p, (size_t)whole) != get32(p + CHECKSUM_OFFSET))
        return 0;
    if (!core.domains[p[4]] || !core.sources[p[6]])
        return 0;
    uint32_t at = HEADER_SIZE;
    Frame frame;
    int found;
    first->start = 0;
    while ((found = next_frame(p, (uint32_t)whole, &at, &frame)) == 1) {
        if (!payload_fits(p, &frame))
            return 0;
        if (frame.type == type && first->start == 0)
            *first = frame;
    }
    *size = (uint32_t)whole;
    return found == 0;
}

#endif
