/* Batches of messages, encoded from columns.
 *
 * Owns: the copying into messages, their numbers and checksums.
 * Must not know: Python, and what any field means.
 * How it works: a block of messages at a time: copies of what they have in common, then one tight loop for every column;
 * the checksums of a block are made after the next one was written.
 */
#include "batch.h"
#include "batch_rows.h"

enum {
    SEQUENCE = 8,
    WRITE_BLOCK = 4 * 1024, /* bytes of messages in a block */
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

/* n copies of one message; `left` bytes may be written later. */
static void fill_rows(uint8_t *restrict to, const uint8_t *restrict message, size_t size, size_t n, size_t left)
{
    /* safety: size >= 32, so the last sixteen bytes, which may overlap those before, exist. */
    if (size > 512) {
        for (size_t i = 0; i < n; i++)
            memcpy(to + i * size, message, size);
        return;
    }
    for (size_t i = 0; i < n; i++, to += size) {
        fetch_ahead(to, size, left - i * size, 1);
        for (size_t at = 0; at + 16 <= size; at += 16)
            memcpy(to + at, message + at, 16);
        memcpy(to + size - 16, message + size - 16, 16);
    }
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

static void write_rows(const struct batch_encoder *e, size_t first, size_t n)
{
    uint8_t *rows = e->out + first * e->size;

    fill_rows(rows, e->message, e->size, n, (e->count - first) * e->size);
    for (size_t k = 0; k < e->op_count; k++) {
        const struct batch_op *op = &e->ops[k];
        if (op->times > 0)
            copy_elements(rows + op->at, e->size, op, first, n);
        else
            copy_rows(rows + op->at, e->size, op->column + first * op->stride, op->stride, op->width, n);
    }
    if (e->sequence != NULL)
        for (size_t i = 0; i < n; i++)
            put64(rows + i * e->size + SEQUENCE, *e->sequence + first + i);
}

void batch_encode(const struct batch_encoder *e)
{
    size_t most = block_rows(WRITE_BLOCK, e->size), before = 0;

    /* The checksums come one block later: what was written a moment ago can't be read back at once in wide pieces. */
    for (size_t first = 0, n; first < e->count; first += n) {
        n = smaller(most, e->count - first);
        write_rows(e, first, n);
        if (e->sign && before != 0)
            sign_rows(e->out + (first - before) * e->size, e->size, before);
        before = n;
    }
    if (e->sign && before != 0)
        sign_rows(e->out + (e->count - before) * e->size, e->size, before);
}
