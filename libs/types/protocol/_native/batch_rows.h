/* Rows of a batch: sizes of blocks, copies of many pieces that lie at equal distances, memory asked for ahead.
 *
 * Owns: what decoding and encoding have in common. Must not know: messages, beyond where a header ends.
 */
#ifndef PROTOCOL_BATCH_ROWS_H
#define PROTOCOL_BATCH_ROWS_H

#include "crc32.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define FETCH(p, to_write) __builtin_prefetch(p, to_write)
#define FETCH_NEAR(p) __builtin_prefetch(p, 0, 2) /* no further than into the second cache */
/* Always inline: a call that does nothing but fetch is taken for one that does nothing, and dropped. */
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#define FETCH(p, to_write) ((void)(p))
#define FETCH_NEAR(p) ((void)(p))
#endif

enum {
    SUM = CRC32_FIELD_OFFSET,
    BLOCK_ROWS = 256,
    FETCH_AHEAD = 4096, /* bytes between what is read and what is asked for from memory */
    LINE = 64,
    FETCH_ROWS = 512, /* of longer messages the processor sees by itself what comes next */
};

static inline uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many messages of `size` make a block: a multiple of four, of which the checksums are computed at once. */
static inline size_t block_rows(size_t bytes, size_t size)
{
    size_t rows = bytes / size & ~(size_t)3;
    return rows < 4 ? 4 : smaller(rows, BLOCK_ROWS);
}

/* Ask for the memory that lies FETCH_AHEAD behind p, a row of `size` bytes, if `left` bytes from p on reach that far.
 * Into the second cache: the first one can wait for fewer lines of memory at once than are needed here, and is filled
 * from the second in time. */
INLINE void fetch_ahead(const uint8_t *p, size_t size, size_t left)
{
    /* safety: nothing is read, and p + FETCH_AHEAD + size lies inside the left bytes. */
    if (size > FETCH_ROWS || left < FETCH_AHEAD + size)
        return;
    for (size_t at = 0; at < size; at += LINE)
        FETCH_NEAR(p + FETCH_AHEAD + at);
}

/* Copy `width` bytes n times. The loops of the usual widths have no calls in them, and take four rows at a time: of a
 * block there are so few rows that a loop's end, which the processor does not foresee, would count. */
static void copy_rows(uint8_t *restrict to, size_t to_step, const uint8_t *restrict from, size_t from_step,
                      size_t width, size_t n)
{
    /* safety: both sides have n rows, their last one of at least `width` bytes; the caller vouches for that. */
#define ROWS(bytes)                                                        \
    case bytes:                                                            \
        for (; n >= 4; n -= 4, to += 4 * to_step, from += 4 * from_step) { \
            memcpy(to, from, bytes);                                       \
            memcpy(to + to_step, from + from_step, bytes);                 \
            memcpy(to + 2 * to_step, from + 2 * from_step, bytes);         \
            memcpy(to + 3 * to_step, from + 3 * from_step, bytes);         \
        }                                                                  \
        for (; n > 0; n--, to += to_step, from += from_step)               \
            memcpy(to, from, bytes);                                       \
        return
    switch (width) {
        ROWS(1);
        ROWS(2);
        ROWS(4);
        ROWS(8);
        ROWS(12);
        ROWS(16);
        ROWS(20);
        ROWS(24);
        ROWS(32);
        ROWS(40);
        ROWS(48);
        ROWS(56);
        ROWS(64);
    default:
        for (size_t i = 0; i < n; i++)
            memcpy(to + i * to_step, from + i * from_step, width);
    }
#undef ROWS
}

#endif
