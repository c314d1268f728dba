/* Batches of messages: the interface.
 *
 * Owns: what a batch kernel is given and gives back.
 * Must not know: Python (batch_python.c) and any particular TLV.
 * How it works: batch_decode reads messages that lie one after the other and copies the same bytes of every wanted TLV
 * into columns; batch_encode is the reverse. Both work on blocks that stay in the fastest cache, keep no state of their
 * own, allocate nothing and touch no Python object, so they run without the interpreter's lock.
 */
#ifndef PROTOCOL_BATCH_H
#define PROTOCOL_BATCH_H

#include <stddef.h>
#include <stdint.h>

enum {
    BATCH_TYPES = 256,
    BATCH_WANTED = BATCH_TYPES, /* the rule of the wanted struct itself comes after those of all types */
    BATCH_RULE_SIZE = 8,        /* four u16: least and greatest payload size, first vector, number of vectors */
    BATCH_VECTOR_SIZE = 4,      /* two u16: offset of the count in the payload, greatest count */
};

/* Copy `width` bytes between every message and its row: `at` counts from the start of the header or, with in_payload,
 * of the TLV's payload; row i of the column lies at column + i * stride. */
struct batch_op {
    size_t at, width, stride;
    int in_payload;
    uint8_t *column; /* only read when encoding */

    /* Encoding a vector, where times > 0: the same again for every element, `step` bytes further on both sides; how many
     * there are is the u16 at counts + i * stride, at most `times`. The slots behind them are left as they are. */
    size_t times, step;
    const uint8_t *counts;
};

/* A message that was refused, and where reading went on. */
struct batch_fault {
    uint64_t index, offset, next;
};

struct batch_decoder {
    const uint8_t *data;
    size_t length;
    const uint8_t *domains, *sources; /* 256 bytes each: nonzero for a known one */
    const uint8_t *rules;             /* BATCH_TYPES + 1 rules */
    const uint8_t *vectors;           /* what the rules refer to */
    const struct batch_op *ops;
    size_t op_count;
    size_t capacity; /* rows that every column has room for */
    size_t limit;    /* greatest size of a message */
    size_t size;     /* bytes that are taken of the wanted payload */
    unsigned number; /* type of the wanted TLV */
    int verify;      /* whether checksums are verified */
    int partial;     /* whether the last message may be incomplete */
    struct batch_fault *faults;
    size_t fault_room;

    /* Progress; the caller sets where to begin. */
    size_t offset, index, row; /* the next message: its place, its number, the row it goes into */
    size_t others;             /* messages without the wanted TLV */
    size_t repeats;            /* wanted TLVs behind the first one of a message */
    size_t fault_count;
};

/* Decode until the data ends, the columns are full or there is no room for another fault. */
void batch_decode(struct batch_decoder *d);

struct batch_encoder {
    uint8_t *out;                  /* count * size bytes */
    const uint8_t *message;        /* what all messages have in common */
    size_t size;                   /* bytes of one message, at least CRC32_HEADER_SIZE */
    size_t count;
    /* All relative to the message: in_payload is not looked at. With checksums none writes to what
     * crc32_rows takes to be the same in all messages. */
    const struct batch_op *ops;
    size_t op_count;
    const uint64_t *sequence;      /* number of the first message, the next ones count on; null to leave it */
    int sign;                      /* whether checksums are computed */
};

void batch_encode(const struct batch_encoder *e);

#endif
