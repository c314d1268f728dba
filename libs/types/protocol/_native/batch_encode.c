/* Batches of messages, encoded from columns.
 *
 * Owns: the copying into messages, their numbers and checksums.
 * Must not know: Python, and what any field means.
 * How it works: a block of messages at a time: a copy of what they have in common, then one tight loop for every column.
 * Between these loops memory is asked for, a few lines each time, that of the next block and of the columns' rows behind
 * it: it comes while the processor is busy. The checksums of a block are made after the next one was written.
 */
#include "batch.h"
#include "batch_rows.h"

enum {
    SEQUENCE = 8,
    WRITE_BLOCK = 2560, /* bytes of messages in a block */
    SIGN_PARTS = 4,     /* parts of the next block that are asked for before checksums are made: these take a while */
};

static inline void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static inline void put64(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void sign_rows(uint8_t *rows, size_t size, size_t n)
{
    uint32_t sums[BLOCK_ROWS];

    crc32_rows(rows, size, n, size, sums);
    for (size_t i = 0; i < n; i++)
        put32(rows + i * size + SUM, sums[i]);
}

static void copy_elements(uint8_t *to, size_t to_step, const struct batch_op *op, size_t first, size_t n)
{
    /* safety: the caller vouches that `times` elements fit on both sides. */
    for (size_t i = 0; i < n; i++, to += to_step) {
        const uint8_t *from = op->column + (first + i) * op->stride;
        size_t count = smaller(le16(op->counts + (first + i) * op->stride), op->times);

        if (op->width == op->step)
            memcpy(to, from, count * op->width);
        else
            copy_rows(to, op->step, from, op->step, op->width, count);
    }
}

/* What is still to be asked for of the next block's memory, and how much of it at a time. */
struct ahead {
    const uint8_t *at, *end;
    size_t part;
};

INLINE void fetch_parts(struct ahead *ahead, size_t parts)
{
    /* safety: nothing is read, and what is asked for lies inside the next block. */
    size_t most = smaller(parts * ahead->part, (size_t)(ahead->end - ahead->at));

    for (size_t at = 0; at < most; at += LINE)
        FETCH(ahead->at + at, 1);
    ahead->at += most;
}

/* Write n messages, and get ready for `next` more. `pattern`, where there is one, has n copies of what all have. */
static void write_rows(const struct batch_encoder *e, const uint8_t *pattern, size_t first, size_t n, size_t next)
{
    uint8_t *rows = e->out + first * e->size, *behind = rows + n * e->size;
    size_t bytes = pattern != NULL ? next * e->size : 0; /* longer messages: the processor sees what comes next */
    size_t parts = e->op_count + 2 + (e->sign ? SIGN_PARTS : 0);
    int reaches = pattern != NULL && e->count - first >= 3 * n; /* whether the columns reach over the next block */
    struct ahead ahead = {behind, behind + bytes, (bytes / LINE + parts) / parts * LINE};

    fetch_parts(&ahead, 1);
    if (pattern != NULL)
        memcpy(rows, pattern, n * e->size);
    for (size_t i = 0; pattern == NULL && i < n; i++)
        memcpy(rows + i * e->size, e->message, e->size);
    for (size_t k = 0; k < e->op_count; k++) {
        const struct batch_op *op = &e->ops[k];
        const uint8_t *column = op->column + first * op->stride;

        fetch_parts(&ahead, 1);
        /* safety: nothing is read, and rows 2 n to 3 n from `column` on are there. */
        for (size_t at = 2 * n * op->stride; reaches && at < 3 * n * op->stride; at += LINE)
            FETCH(column + at, 0);
        if (op->times > 0)
            copy_elements(rows + op->at, e->size, op, first, n);
        else
            copy_rows(rows + op->at, e->size, column, op->stride, op->width, n);
    }
    fetch_parts(&ahead, 1);
    if (e->sequence != NULL)
        for (size_t i = 0; i < n; i++)
            put64(rows + i * e->size + SEQUENCE, *e->sequence + first + i);
    fetch_parts(&ahead, SIGN_PARTS);
}

void batch_encode(const struct batch_encoder *e)
{
    size_t most = block_rows(WRITE_BLOCK, e->size), before = 0;
    int patterned = e->size <= FETCH_ROWS;
    uint8_t pattern[WRITE_BLOCK];

    /* safety: four of the longest of them have 2,048 bytes, and more of them at most WRITE_BLOCK. */
    for (size_t i = 0; patterned && i < smaller(most, e->count); i++)
        memcpy(pattern + i * e->size, e->message, e->size);
    /* The checksums come one block later: what was written a moment ago can't be read back at once in wide pieces. */
    for (size_t first = 0, n; first < e->count; first += n) {
        n = smaller(most, e->count - first);
        write_rows(e, patterned ? pattern : NULL, first, n, smaller(most, e->count - first - n));
        if (e->sign && before != 0)
            sign_rows(e->out + (first - before) * e->size, e->size, before);
        before = n;
    }
    if (e->sign && before != 0)
        sign_rows(e->out + (e->count - before) * e->size, e->size, before);
}
