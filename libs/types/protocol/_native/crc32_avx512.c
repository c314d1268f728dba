/* CRC-32 of messages on x86-64: the "avx512" implementation.
 *
 * Owns: the checksum 512 bits at a time (AVX-512 F, BW and VL, VPCLMULQDQ).
 * Must not know: who calls, and which implementation is in use.
 * How it works: the arithmetic of crc32_x86.h, used in three ways.
 *
 * - Groups. One long stream: a group is four blocks next to each other, each weighed by its own power or all folded
 *   by the same one; at the end the four sums are added. The short first group is a masked load, which leaves out
 *   the bytes that are not there.
 * - Four short messages of one size. What of each is no whole group goes through in lanes, each message in its own 128
 *   bits of every register; then each takes its groups by itself, and the lanes of the four sums are added crosswise, so
 *   that each message has one lane again. All four are reduced together.
 * - Four of one size of at most SHORT bytes, where that is two more than a multiple of eight, as with nearly all structs.
 *   Cut into words of eight bytes from the end, one word has the checksum field and otherwise nothing that differs
 *   between the rows (from CRC32_ALIKE bytes on). Without it there are eight words or fewer: one register, which is
 *   weighed as it is in memory. What the rows have in common is weighed once.
 *
 * One short message takes the 128-bit way: adding up four lanes would cost more than they save.
 */
#include "crc32_x86.h"

#if CRC32_X86

#include <string.h>

#define AVX __attribute__((target("sse4.1,pclmul,avx2,bmi2,avx512f,avx512bw,avx512vl,vpclmulqdq")))

enum {
    GROUP = 64, /* bytes in 512 bits */
    MAX_GROUPS = MAX_BLOCKS * BLOCK / GROUP,
    MAX_NARROW = 160,               /* up to this size one checksum is ready sooner at 128 bits; at least 68 */
    MAX_LANES = MAX_BLOCKS * BLOCK, /* up to this size four messages in lanes are no slower than one by one */
    SHORT = 74,                     /* the last size with eight words besides that of the field */
};

INLINE AVX __m512i multiply4(__m512i group, __m512i pairs)
{
    return _mm512_xor_si512(_mm512_clmulepi64_epi128(group, pairs, 0x00), _mm512_clmulepi64_epi128(group, pairs, 0x11));
}

INLINE AVX __m512i weigh4(__m512i sum, __m512i group, __m512i pairs)
{
    /* 0x96: the xor of three */
    return _mm512_ternarylogic_epi64(sum, _mm512_clmulepi64_epi128(group, pairs, 0x00),
                                     _mm512_clmulepi64_epi128(group, pairs, 0x11), 0x96);
}

INLINE AVX __m512i advance(__m512i group, __m512i pairs, const uint8_t *p)
{
    return weigh4(_mm512_loadu_si512(p), group, pairs);
}

INLINE AVX uint32_t reduce_all(__m512i sum)
{
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
    return reduce(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

/* The checksum of `groups` >= 2 groups: two that the caller has prepared, the others from p on. */
INLINE AVX uint32_t groups_crc(__m512i g0, __m512i g1, const uint8_t *p, size_t groups)
{
    const uint64_t *factors;
    __m512i sum = _mm512_setzero_si512();
    size_t rest;

    /* safety: as in blocks_crc, with four blocks to a group and eight table entries. */
    if (groups > MAX_GROUPS) {
        __m512i ahead = _mm512_broadcast_i32x4(load(POWERS_END - 1 - 2 * 16));
        __m512i g2 = _mm512_loadu_si512(p), g3 = _mm512_loadu_si512(p + GROUP);
        p += 2 * GROUP;
        for (rest = groups - 4; rest >= 4; rest -= 4, p += 4 * GROUP) {
            g0 = advance(g0, ahead, p);
            g1 = advance(g1, ahead, p + GROUP);
            g2 = advance(g2, ahead, p + 2 * GROUP);
            g3 = advance(g3, ahead, p + 3 * GROUP);
        }
        factors = POWERS_END - 8 * (rest + 4);
        sum = weigh4(sum, g0, _mm512_loadu_si512(factors));
        sum = weigh4(sum, g1, _mm512_loadu_si512(factors + 8));
        sum = weigh4(sum, g2, _mm512_loadu_si512(factors + 16));
        sum = weigh4(sum, g3, _mm512_loadu_si512(factors + 24));
        factors += 32;
    } else {
        factors = POWERS_END - 8 * groups;
        sum = weigh4(sum, g0, _mm512_loadu_si512(factors));
        sum = weigh4(sum, g1, _mm512_loadu_si512(factors + 8));
        factors += 16;
        rest = groups - 2;
    }
    for (; rest > 0; rest--, p += GROUP, factors += 8)
        sum = weigh4(sum, _mm512_loadu_si512(p), _mm512_loadu_si512(factors));
    return reduce_all(sum);
}

/* The address `bytes` before p (behind it when the subtraction wraps), for masked loads: it may lie outside the
 * object, whose bytes are the only ones the mask lets through. */
INLINE const void *before(const uint8_t *p, size_t bytes)
{
    return (const void *)((uintptr_t)p - bytes);
}

static AVX uint32_t avx512_bytes(uint32_t crc, const uint8_t *p, size_t n)
{
    size_t groups, r;
    unsigned turn;
    __m512i state, g0, g1;

    if (n <= MAX_NARROW)
        return bytes_by_block(crc, p, n);
    /* safety: n = r + 64 (groups - 1) with r from 1 to 64 and groups > 1. The mask of g0 has the last r bits, which
     * are [p, p + r); group i > 0 is [p + r + 64 (i - 1), + 64). */
    groups = (n + GROUP - 1) / GROUP;
    r = n - GROUP * (groups - 1);
    g0 = _mm512_maskz_loadu_epi8(UINT64_MAX << (GROUP - r), before(p, GROUP - r));
    g1 = _mm512_loadu_si512(p + r);
    /* The state in every 32 bits, turned so that its first byte meets the first byte of the stream. */
    turn = 8 * (unsigned)(-r % 4);
    state = _mm512_set1_epi32((int)(turn ? ~crc << turn | ~crc >> (32 - turn) : ~crc));
    g0 = _mm512_xor_si512(g0, _mm512_maskz_mov_epi8(UINT64_C(15) << (GROUP - r), state));
    g1 = _mm512_xor_si512(g1, _mm512_maskz_mov_epi8(r < 4 ? UINT64_C(15) >> r : 0, state));
    return groups_crc(g0, g1, groups > 2 ? p + r + GROUP : p, groups);
}

/* One message of more than MAX_NARROW bytes. */
INLINE AVX uint32_t message_by_group(const uint8_t *message, size_t size)
{
    size_t n = size - CRC32_FIELD_SIZE;
    size_t groups = (n + GROUP - 1) / GROUP;
    size_t r = n - GROUP * (groups - 1);
    uint64_t header = (UINT64_C(1) << CRC32_FIELD_OFFSET) - 1;
    __m512i g0, g1;

    /* safety: the last r bits of a mask stand for stream [0, r): those below 28 are read from the message at the
     * same place, the others 4 bytes further. Later groups end where the message ends or 64 k bytes before. */
    g0 = _mm512_maskz_loadu_epi8(r > CRC32_FIELD_OFFSET ? UINT64_MAX << (GROUP + CRC32_FIELD_OFFSET - r) : 0,
                                 before(message, GROUP - CRC32_FIELD_SIZE - r));
    g0 = _mm512_mask_loadu_epi8(g0, header << (GROUP - r), before(message, GROUP - r));
    g0 = _mm512_xor_si512(g0, _mm512_movm_epi8(UINT64_C(15) << (GROUP - r)));
    g1 = _mm512_loadu_si512(message + r + CRC32_FIELD_SIZE);
    g1 = _mm512_mask_loadu_epi8(g1, r < CRC32_FIELD_OFFSET ? header >> r : 0, message + r);
    g1 = _mm512_xor_si512(g1, _mm512_movm_epi8(r < 4 ? UINT64_C(15) >> r : 0));
    return groups_crc(g0, g1, groups > 2 ? message + r + GROUP + CRC32_FIELD_SIZE : message, groups);
}

static AVX uint32_t avx512_message(const uint8_t *message, size_t size)
{
    return size <= MAX_NARROW ? message_by_block(message, size) : message_by_group(message, size);
}

/* 16 bytes of each of four messages, side by side. */
INLINE AVX __m512i load4(const uint8_t *const message[4], size_t at)
{
    __m512i v = _mm512_castsi128_si512(load(message[0] + at));
    v = _mm512_inserti32x4(v, load(message[1] + at), 1);
    v = _mm512_inserti32x4(v, load(message[2] + at), 2);
    return _mm512_inserti32x4(v, load(message[3] + at), 3);
}

INLINE AVX __m512i pair4(const void *pair)
{
    return _mm512_broadcast_i32x4(load(pair));
}

/* The blocks that begin at byte `at` > 0 of each message's stream. */
INLINE AVX __m512i stream4(const uint8_t *const message[4], size_t at)
{
    if (at >= CRC32_FIELD_OFFSET)
        return load4(message, at + CRC32_FIELD_SIZE);
    if (at + BLOCK <= CRC32_FIELD_OFFSET)
        return load4(message, at);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(pair4(crc32_before_field + at)),
                                  load4(message, at + CRC32_FIELD_SIZE), load4(message, at));
}

/* The group that begins at byte `at` of a message's stream, where `in_header` are the bytes before the field. */
INLINE AVX __m512i stream_group(const uint8_t *message, size_t at, __mmask64 in_header)
{
    return _mm512_mask_loadu_epi8(_mm512_loadu_si512(message + at + CRC32_FIELD_SIZE), in_header, message + at);
}

/* The sum of the four lanes of each, one lane for each. */
INLINE AVX __m512i add_lanes(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_xor_si512(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
    __m512i cd = _mm512_xor_si512(_mm512_shuffle_i32x4(c, d, 0x88), _mm512_shuffle_i32x4(c, d, 0xDD));
    return _mm512_xor_si512(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xDD));
}

/* How a stream of at most MAX_LANES bytes is cut: a first block of `first` bytes, whole ones, and groups, all but the
 * first of them behind the field. */
struct cut {
    size_t blocks, groups, first;
};

INLINE struct cut cut_of(size_t size)
{
    size_t n = size - CRC32_FIELD_SIZE, groups = (n - 1) / GROUP, head = n - GROUP * groups;
    size_t blocks = (head + BLOCK - 1) / BLOCK;
    return (struct cut){blocks, groups, head - BLOCK * (blocks - 1)};
}

/* Four messages of one size up to their sums, before the reduction. */
INLINE AVX __m512i sum4(const uint8_t *const message[4], struct cut cut)
{
    const uint64_t *factors = POWERS_END - 2 * cut.blocks - 8 * cut.groups;
    size_t at = cut.first;
    __m512i block, sum, a, b, c, d, by;
    __mmask64 in_header;

    /* safety: see message_by_block for the blocks and message_by_group for the groups; the last of either ends at the
     * message's last byte. */
    block = _mm512_xor_si512(load4(message, 0), _mm512_broadcast_i32x4(_mm_cvtsi32_si128(-1)));
    block = _mm512_shuffle_epi8(block, pair4(crc32_shift_up + cut.first));
    sum = _mm512_clmulepi64_epi128(block, pair4(factors), 0x11);
    if (cut.first > 8)
        sum = _mm512_xor_si512(sum, _mm512_clmulepi64_epi128(block, pair4(factors), 0x00));
    factors += 2;
    if (cut.blocks > 1) {
        block = _mm512_broadcast_i32x4(_mm_cvtsi32_si128((int)spill(0xFFFFFFFFu, at)));
        sum = weigh4(sum, _mm512_xor_si512(stream4(message, at), block), pair4(factors));
        factors += 2;
        at += BLOCK;
    }
    for (size_t left = cut.blocks; left > 2; left--, at += BLOCK, factors += 2)
        sum = weigh4(sum, stream4(message, at), pair4(factors));
    if (cut.groups == 0)
        return sum;

    by = _mm512_loadu_si512(factors);
    in_header = at < CRC32_FIELD_OFFSET ? ((UINT64_C(1) << CRC32_FIELD_OFFSET) - 1) >> at : 0;
    a = stream_group(message[0], at, in_header);
    b = stream_group(message[1], at, in_header);
    c = stream_group(message[2], at, in_header);
    d = stream_group(message[3], at, in_header);
    if (at < 4) {
        __m512i state = _mm512_movm_epi8(UINT64_C(15) >> at);
        a = _mm512_xor_si512(a, state);
        b = _mm512_xor_si512(b, state);
        c = _mm512_xor_si512(c, state);
        d = _mm512_xor_si512(d, state);
    }
    a = multiply4(a, by);
    b = multiply4(b, by);
    c = multiply4(c, by);
    d = multiply4(d, by);
    at += CRC32_FIELD_SIZE;
    for (size_t left = cut.groups; left > 1; left--) {
        at += GROUP;
        by = _mm512_loadu_si512(factors += 8);
        a = weigh4(a, _mm512_loadu_si512(message[0] + at), by);
        b = weigh4(b, _mm512_loadu_si512(message[1] + at), by);
        c = weigh4(c, _mm512_loadu_si512(message[2] + at), by);
        d = weigh4(d, _mm512_loadu_si512(message[3] + at), by);
    }
    return _mm512_xor_si512(sum, add_lanes(a, b, c, d));
}

INLINE AVX void reduce4(__m512i sum, uint32_t out[4])
{
    __m512i inverse = _mm512_broadcast_i32x4(inverse_and_p());
    __m512i t = _mm512_clmulepi64_epi128(sum, inverse, 0x00);

    t = _mm512_xor_si512(sum, _mm512_clmulepi64_epi128(t, inverse, 0x10));
    /* The third 32 bits of each lane hold the result. */
    t = _mm512_permutexvar_epi32(_mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 10, 6, 2), t);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_xor_si128(_mm512_castsi512_si128(t), _mm_set1_epi32(-1)));
}

INLINE uint64_t load64(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

INLINE uint64_t load16(const uint8_t *p)
{
    uint16_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* A short message of 8 `words` + 2 bytes: the words that begin at byte 2, with the ninth, where there is one, in place of
 * the fourth, which is the one with the field. */
INLINE AVX __m512i short_message(const uint8_t *message, size_t words, __mmask8 there)
{
    __m512i group = _mm512_maskz_loadu_epi64(there, message + 2);
    return words > 8 ? _mm512_mask_set1_epi64(group, 1 << 3, (int64_t)load64(message + 66)) : group;
}

/* What their words are multiplied by. */
INLINE AVX __m512i short_factors(size_t words, __mmask8 there)
{
    __m512i factors = _mm512_maskz_loadu_epi64(there, POWERS_END - words);
    factors = _mm512_mask_loadu_epi64(factors, 7, HEADER_POWERS_END - words);
    return _mm512_mask_set1_epi64(factors, 1 << 3, words > 8 ? (int64_t)POWERS_END[-1] : 0);
}

/* The sum of what short rows have in common, which is the initial state as well: the two bytes before the first word,
 * and of the fourth one the two bytes before the field and the two behind it. */
INLINE AVX __m128i short_common(const uint8_t *message, size_t words)
{
    const uint64_t *header = HEADER_POWERS_END - words, *behind = POWERS_END - words;
    __m128i begin = _mm_set_epi64x(0xFFFF, (int64_t)((load16(message) ^ 0xFFFF) << 48));
    __m128i fourth = _mm_set_epi64x((int64_t)(load16(message + 32) << 48), (int64_t)load16(message + 26));

    return _mm_xor_si128(multiply(begin, load(header - 1)),
                         multiply(fourth, _mm_set_epi64x((int64_t)behind[3], (int64_t)header[3])));
}

/* At least four rows. */
INLINE AVX void short_rows(const uint8_t *first, size_t stride, size_t count, size_t words, uint32_t *out)
{
    __mmask8 there = (__mmask8)(words > 8 ? 0xFF : (1 << words) - 1);
    __m512i by = short_factors(words, there), sums = _mm512_setzero_si512();
    __m512i common = _mm512_broadcast_i32x4(short_common(first, words));
    size_t pending = 0;

    /* safety: CRC32_ALIKE <= size <= SHORT, so there are 5 to 9 words, and the mask lets through those of the first eight
     * that lie in the message. For the loop see rows_by_four. */
    for (size_t i = 0; i < count; i += 4) {
        size_t at = i <= count - 4 ? i : count - 4;
        const uint8_t *p = first + at * stride;
        __m512i a = multiply4(short_message(p, words, there), by);
        __m512i b = multiply4(short_message(p + stride, words, there), by);
        __m512i c = multiply4(short_message(p + 2 * stride, words, there), by);
        __m512i d = multiply4(short_message(p + 3 * stride, words, there), by);

        reduce4(sums, out + pending);
        sums = _mm512_xor_si512(add_lanes(a, b, c, d), common);
        pending = at;
    }
    reduce4(sums, out + pending);
}

/* At least four rows. */
INLINE AVX void rows_by_four(const uint8_t *first, size_t stride, size_t count, struct cut cut, uint32_t *out)
{
    size_t pending = 0;
    __m512i sums = _mm512_setzero_si512();

    /* safety: four begin at most at count - 4; the last ones step back to that when the count is no multiple of four
     * and are in part computed again. A sum is reduced while the next four are loaded: one waits for the other's steps
     * otherwise. The first time round, what is stored at `out` is stored again later. */
    for (size_t i = 0; i < count; i += 4) {
        size_t at = i <= count - 4 ? i : count - 4;
        const uint8_t *p = first + at * stride;
        const uint8_t *const message[4] = {p, p + stride, p + 2 * stride, p + 3 * stride};
        __m512i next;

        next = sum4(message, cut);
        reduce4(sums, out + pending);
        sums = next;
        pending = at;
    }
    reduce4(sums, out + pending);
}

static AVX void avx512_rows(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out)
{
    struct cut cut = cut_of(size);

    if (size > MAX_LANES || count < 4) {
        for (size_t i = 0; i < count; i++)
            out[i] = avx512_message(first + i * stride, size);
        return;
    }
    /* Without loops where most messages are: up to SHORT bytes, 69 to 84, and 85 to 100. */
    if (size == SHORT)
        short_rows(first, stride, count, 9, out);
    else if (size < SHORT && size >= CRC32_ALIKE && size % 8 == 2)
        short_rows(first, stride, count, size / 8, out);
    else if (cut.groups == 1 && cut.blocks == 1)
        rows_by_four(first, stride, count, (struct cut){1, 1, cut.first}, out);
    else if (cut.groups == 1 && cut.blocks == 2)
        rows_by_four(first, stride, count, (struct cut){2, 1, cut.first}, out);
    else
        rows_by_four(first, stride, count, cut, out);
}

const struct crc32_impl crc32_avx512 = {
    .name = "avx512",
    .bytes = avx512_bytes,
    .message = avx512_message,
    .rows = avx512_rows,
};

#endif
