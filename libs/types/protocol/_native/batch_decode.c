/* Batches of messages, decoded into columns.
 *
 * Owns: the walk over many messages, what is refused, and where reading goes on afterwards.
 * Must not know: Python, and what any field means; only header, frames, sizes and the counts of vectors.
 * How it works: messages of one size that hold nothing but the wanted TLV are taken a block at a time: first a look
 * at the headers and frames, then the checksums of all (crc32_rows), then one tight loop for every column. All other
 * messages take the way of `examine`, one at a time. Both accept what `_python/checks.py` accepts; they only say that
 * a message is refused, and the reason is found there.
 *
 * The data may change while it is read, if its owner lets another thread write to it. So a size is read once and
 * checked against the end of the data before it is used; wrong values are the owner's loss, wrong accesses are not made.
 */
#include "batch.h"
#include "batch_rows.h"

#if defined(__GNUC__) || defined(__clang__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#else
#define LIKELY(x) (x)
#endif

enum {
    HEADER = CRC32_HEADER_SIZE,
    PAYLOAD_SIZE = 24,
    MARKER = 255, /* in the place of the type: an extended frame */
    STANDARD = 2, /* bytes of a frame */
    EXTENDED = 5,
    READ_BLOCK = 4 * 1024, /* bytes of messages in a block; with more, reading, checking and writing overlap less */
};

static const uint8_t magic[4] = {0xEF, 0xBE, 0xAD, 0xDE};

/* The first eight bytes of a header without the flags; of these, magic and version. */
#define IDENTITY UINT64_C(0x00FFFFFFFFFFFFFF)
#define FORMAT UINT64_C(0x0000FF00FFFFFFFF)
#define OUR_FORMAT UINT64_C(0x00000100DEADBEEF)

static inline uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

struct rule {
    size_t low, high, first, vectors;
};

static inline struct rule rule_of(const struct batch_decoder *d, unsigned number)
{
    const uint8_t *p = d->rules + number * BATCH_RULE_SIZE;
    return (struct rule){le16(p), le16(p + 2), le16(p + 4), le16(p + 6)};
}

/* Whether a payload of `size` bytes may have this size and these vector counts. */
static inline int payload_is_sound(const struct batch_decoder *d, const struct rule *rule, const uint8_t *p, size_t size)
{
    if (size < rule->low || size > rule->high)
        return 0;
    /* safety: the caller of batch_decode vouches that a vector's count lies below the rule's least size. */
    for (size_t i = 0; i < rule->vectors; i++) {
        const uint8_t *vector = d->vectors + (rule->first + i) * BATCH_VECTOR_SIZE;
        if (le16(p + le16(vector)) > le16(vector + 2))
            return 0;
    }
    return 1;
}

/* Whether the bytes at `offset` begin as a message does; at the end of the data fewer than four can be looked at. */
static inline int begins_message(const struct batch_decoder *d, size_t offset)
{
    return memcmp(d->data + offset, magic, smaller(sizeof magic, d->length - offset)) == 0;
}

/* The next place at or after `offset` where a message may begin, or the end of the data. */
static size_t next_magic(const struct batch_decoder *d, size_t offset)
{
    while (offset < d->length) {
        const uint8_t *p = memchr(d->data + offset, magic[0], d->length - offset);
        if (p == NULL)
            return d->length;
        offset = (size_t)(p - d->data);
        if (begins_message(d, offset))
            return offset;
        offset++;
    }
    return d->length;
}

/* Where to go on after a refused message. Its size is believed when its checksum is right (`intact`), or when it leads
 * to another message or to the end; else the next message is looked for. */
static size_t place_after(const struct batch_decoder *d, int intact)
{
    size_t left = d->length - d->offset;

    if (left >= HEADER && begins_message(d, d->offset)) {
        size_t body = le32(d->data + d->offset + PAYLOAD_SIZE);
        if (body <= left - HEADER && (intact || begins_message(d, d->offset + HEADER + body)))
            return d->offset + HEADER + body;
    }
    return next_magic(d, d->offset + 1);
}

/* Note a refused message and step over it. The caller has made sure that there is room. */
static void refuse(struct batch_decoder *d, size_t next)
{
    d->faults[d->fault_count++] = (struct batch_fault){d->index, d->offset, next};
    d->index++;
    d->offset = next;
}

static void take_rows(struct batch_decoder *d, size_t size, size_t payload, size_t n)
{
    const uint8_t *first = d->data + d->offset;

    /* safety: n messages of `size` bytes lie inside the data, the wanted payload lies inside each of them and has at
     * least d->size bytes, d->row + n is at most d->capacity, and every op fits into these. */
    for (size_t k = 0; k < d->op_count; k++) {
        const struct batch_op *op = &d->ops[k];
        uint8_t *to = op->column + d->row * op->stride;
        size_t bytes = n * op->stride;

        /* Where the next block of this column will be: a store into memory that is not there yet waits long. */
        if (n > 1 && n <= (d->capacity - d->row) / 2)
            for (size_t at = 0; at < bytes; at += LINE)
                FETCH(to + bytes + at, 1);
        copy_rows(to, op->stride, first + op->at + (op->in_payload ? payload : 0), size, op->width, n);
    }
    d->row += n;
    d->index += n;
    d->offset += n * size;
}

enum verdict { TAKEN, REFUSED, REFUSED_INTACT, INCOMPLETE };

struct message {
    size_t size;
    size_t payload; /* offset of the first wanted payload, 0 where there is none */
    size_t repeats;
};

static enum verdict examine_frames(const struct batch_decoder *d, const uint8_t *p, struct message *m)
{
    size_t at = HEADER;

    m->payload = m->repeats = 0;
    /* safety: at <= m->size, all of which is there; every access is preceded by a comparison with what is left. */
    while (at < m->size) {
        size_t left = m->size - at, frame = STANDARD, length;
        unsigned number = p[at];
        struct rule rule;

        if (number != MARKER) {
            if (left < STANDARD)
                return REFUSED;
            length = p[at + 1];
        } else {
            frame = EXTENDED;
            if (left < EXTENDED || p[at + 1] != 0)
                return REFUSED;
            number = p[at + 2];
            length = le16(p + at + 3);
        }
        if (number == MARKER || length > left - frame)
            return REFUSED;
        rule = rule_of(d, number);
        if (!payload_is_sound(d, &rule, p + at + frame, length))
            return REFUSED;
        if (number == d->number) {
            if (m->payload != 0) {
                m->repeats++;
            } else {
                rule = rule_of(d, BATCH_WANTED);
                if (length < d->size || !payload_is_sound(d, &rule, p + at + frame, length))
                    return REFUSED;
                m->payload = at + frame;
            }
        }
        at += frame + length;
    }
    return TAKEN;
}

/* Look at the message at d->offset with all the checks there are. */
static enum verdict examine(const struct batch_decoder *d, struct message *m)
{
    const uint8_t *p = d->data + d->offset;
    size_t left = d->length - d->offset, body;
    enum verdict bad = REFUSED;

    if (left < HEADER)
        return d->partial && begins_message(d, d->offset) ? INCOMPLETE : REFUSED;
    body = le32(p + PAYLOAD_SIZE);
    if ((le64(p) & FORMAT) != OUR_FORMAT || d->limit < HEADER || body > d->limit - HEADER)
        return REFUSED;
    if (body > left - HEADER)
        return d->partial ? INCOMPLETE : REFUSED;
    m->size = HEADER + body;
    if (d->verify) {
        if (crc32_message(p, m->size) != le32(p + SUM))
            return REFUSED;
        bad = REFUSED_INTACT;
    }
    if (!d->domains[p[4]] || !d->sources[p[6]] || examine_frames(d, p, m) != TAKEN)
        return bad;
    return TAKEN;
}

/* How many messages from d->offset on have one size and hold the wanted TLV and nothing else; 0 when the first does
 * not, or when it is easier to examine. The first payload is at *payload. Checksums and vectors are not looked at. */
static size_t uniform_run(const struct batch_decoder *d, size_t *size, size_t *payload)
{
    const uint8_t *p = d->data + d->offset, *q;
    size_t left = d->length - d->offset, body, length, most, n;
    struct rule rule, own;
    uint64_t identity, frame, frame_mask;

    if (left < HEADER + 8)
        return 0;
    identity = le64(p) & IDENTITY;
    body = le32(p + PAYLOAD_SIZE);
    frame = le64(p + HEADER);
    if (body < 8 || body > left - HEADER || d->limit < HEADER || body > d->limit - HEADER)
        return 0;
    if ((frame & 0xFF) == d->number) {
        length = frame >> 8 & 0xFF;
        frame_mask = 0xFFFF;
        *payload = HEADER + STANDARD;
    } else if ((frame & 0xFFFFFF) == (MARKER | (uint64_t)d->number << 16)) {
        length = frame >> 24 & 0xFFFF;
        frame_mask = UINT64_C(0xFFFFFFFFFF);
        *payload = HEADER + EXTENDED;
    } else {
        return 0;
    }
    rule = rule_of(d, d->number);
    own = rule_of(d, BATCH_WANTED);
    if (length + *payload != HEADER + body || length < rule.low || length > rule.high || length < own.low ||
        length < d->size || (identity & FORMAT) != OUR_FORMAT || !d->domains[p[4]] || !d->sources[p[6]])
        return 0;
    *size = HEADER + body;
    frame &= frame_mask;

    most = smaller(smaller(block_rows(READ_BLOCK, *size), left / *size), d->capacity - d->row);
    /* safety: q has `size` >= 40 bytes for every n < most. */
    for (n = 1, q = p; n < most; n++) {
        uint64_t differs;

        q += *size;
        fetch_ahead(q, *size, left - n * *size);
        differs = ((le64(q) ^ identity) & IDENTITY) | (le32(q + PAYLOAD_SIZE) ^ body) |
                  ((le64(q + HEADER) ^ frame) & frame_mask);
        if (!LIKELY(differs == 0)) {
            uint64_t other = le64(q);
            unsigned domain = other >> 32 & 0xFF, source = other >> 48 & 0xFF;
            if ((other & FORMAT) != OUR_FORMAT || !d->domains[domain] || !d->sources[source] ||
                le32(q + PAYLOAD_SIZE) != body || ((le64(q + HEADER) ^ frame) & frame_mask) != 0)
                break;
            identity = other & IDENTITY;
        }
    }
    return most == 0 ? 0 : n;
}

/* Take n messages of a uniform run. Returns 0 when the faults are full. */
static int take_block(struct batch_decoder *d, size_t size, size_t payload, size_t n)
{
    const uint8_t *p = d->data + d->offset;
    struct rule rule = rule_of(d, d->number), own = rule_of(d, BATCH_WANTED);
    uint32_t sums[BLOCK_ROWS], wrong = 0;
    int vectors = rule.vectors != 0 || own.vectors != 0, bad = 0;
    size_t begin = 0;

    if (d->verify) {
        crc32_rows(p, size, n, size, sums);
        for (size_t i = 0; i < n; i++)
            wrong |= sums[i] ^= le32(p + i * size + SUM);
    }
    for (size_t i = 0; vectors && i < n; i++)
        bad |= !payload_is_sound(d, &rule, p + i * size + payload, size - payload) ||
               !payload_is_sound(d, &own, p + i * size + payload, size - payload);
    if (LIKELY(wrong == 0 && !bad)) {
        take_rows(d, size, payload, n);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *here = p + i * size + payload;
        int damaged = d->verify && sums[i] != 0;

        if (!damaged && (!vectors || (payload_is_sound(d, &rule, here, size - payload) &&
                                      payload_is_sound(d, &own, here, size - payload))))
            continue;
        if (i > begin)
            take_rows(d, size, payload, i - begin);
        begin = i + 1;
        if (d->fault_count == d->fault_room)
            return 0;
        if (begin < n) {
            refuse(d, d->offset + size);
        } else {
            refuse(d, place_after(d, d->verify && !damaged));
            return 1;
        }
    }
    if (n > begin)
        take_rows(d, size, payload, n - begin);
    return 1;
}

void batch_decode(struct batch_decoder *d)
{
    while (d->offset < d->length) {
        struct message m;
        size_t size, payload, n = uniform_run(d, &size, &payload);
        enum verdict verdict;

        if (n > 0) {
            if (!take_block(d, size, payload, n))
                return;
            continue;
        }
        verdict = examine(d, &m);
        if (verdict == INCOMPLETE)
            return;
        if (verdict != TAKEN) {
            if (d->fault_count == d->fault_room)
                return;
            refuse(d, place_after(d, verdict == REFUSED_INTACT));
        } else if (m.payload != 0) {
            if (d->row == d->capacity)
                return;
            d->repeats += m.repeats;
            take_rows(d, m.size, m.payload, 1);
        } else {
            d->others++;
            d->index++;
            d->offset += m.size;
        }
    }
}
