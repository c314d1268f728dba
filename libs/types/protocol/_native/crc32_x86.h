/* CRC-32 of messages on x86-64: carry-less multiplication, 128 bits at a time.
 *
 * Owns: the arithmetic that both x86 implementations share, as inline functions, so that each compiles it for its own
 * instruction set.
 * Must not know: who calls, and which implementation is in use.
 *
 * How it works. Bits are polynomial coefficients modulo P, the highest power first: bit 0 of the first byte. The
 * checksum is the stream times x^32, modulo P, with the initial state xored into the first four bytes and the result
 * inverted.
 *
 * - Left padding. Leading zeros do not change the stream's value, so it is thought padded in front to whole blocks:
 *   the first block is short, all others end where the stream ends, and there is no tail.
 * - Weighing. A block with d blocks behind it counts times x^(128 d). Its two 64-bit halves are multiplied by
 *   x^(128 d + 96) and x^(128 d + 32), each reduced to 32 bits beforehand. The products have 96 bits; their xor over
 *   all blocks is the stream times x^32. No block waits for another. This serves up to MAX_BLOCKS blocks.
 * - Folding. A longer stream is first shortened: a few running blocks are multiplied by the power of x for the
 *   distance to the data ahead and xored onto it, again and again, until few enough remain to be weighed.
 * - Reduction. From 96 bits to 32 by a quotient (times the inverse of P) and a multiple of P to subtract. In this bit
 *   order the quotient is the low half of a product, so nothing is shifted.
 * - The checksum field. Behind it the stream lies 4 bytes further in memory than before it. The blocks that may hold
 *   bytes of both sides are blended from a load in place and one 4 bytes earlier.
 */
#ifndef PROTOCOL_CRC32_X86_H
#define PROTOCOL_CRC32_X86_H

#include "crc32_impl.h"

#if CRC32_X86

#include <immintrin.h>

#define SSE __attribute__((target("sse4.1,pclmul")))
#define INLINE static inline __attribute__((always_inline))

enum {
    BLOCK = 16,      /* bytes in 128 bits */
    MAX_BLOCKS = 32, /* what the table of powers can weigh */
};

/* x^(64 j + 32) modulo P at index 63 - j, as 33-bit numbers whose bit 32 is the coefficient of x^0. Descending like
 * the stream: the factors of the last 16 n bytes are the last 2 n entries. The pair that begins one entry later than
 * the factors of a block with d behind it moves a block ahead by d blocks. */
extern uint64_t crc32_powers[2 * MAX_BLOCKS];
#define POWERS_END (crc32_powers + 2 * MAX_BLOCKS)

/* The same for what lies before the checksum field, which is 32 bits nearer to the end of the stream than it looks:
 * x^(64 j) modulo P at index 63 - j. */
extern uint64_t crc32_header_powers[2 * MAX_BLOCKS];
#define HEADER_POWERS_END (crc32_header_powers + 2 * MAX_BLOCKS)

/* See their definitions. */
extern const uint8_t crc32_shift_up[2 * BLOCK];
extern const uint8_t crc32_before_field[3 * BLOCK];

/* The part of the state that falls behind the first r bytes of the stream. */
INLINE uint32_t spill(uint32_t state, size_t r)
{
    return r < 4 ? state >> 8 * r : 0;
}

INLINE SSE __m128i load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

/* Both halves of `block` times their factors, added. */
INLINE SSE __m128i multiply(__m128i block, __m128i pair)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(block, pair, 0x00), _mm_clmulepi64_si128(block, pair, 0x11));
}

INLINE SSE __m128i weigh(__m128i sum, __m128i block, const uint64_t *factors)
{
    return _mm_xor_si128(sum, multiply(block, load(factors)));
}

/* The low 64 bits of the inverse of P, and P itself. */
INLINE SSE __m128i inverse_and_p(void)
{
    return _mm_set_epi64x(0x1DB710641, (int64_t)0xB4E5B025F7011641u);
}

/* From the sum of the weighed blocks to the checksum. */
INLINE SSE uint32_t reduce(__m128i sum)
{
    __m128i quotient = _mm_clmulepi64_si128(sum, inverse_and_p(), 0x00);
    __m128i multiple = _mm_clmulepi64_si128(quotient, inverse_and_p(), 0x10);
    return ~(uint32_t)_mm_extract_epi32(_mm_xor_si128(sum, multiple), 2);
}

/* The checksum of `blocks` blocks: up to three that the caller has prepared, the others from p on. */
INLINE SSE uint32_t blocks_crc(__m128i b0, __m128i b1, __m128i b2, const uint8_t *p, size_t blocks)
{
    const uint64_t *factors;
    __m128i sum = _mm_setzero_si128();
    size_t rest;

    /* safety: p moves once per block counted in `rest`; factors then ends at POWERS_END, because it starts
     * two entries per remaining block before it and at most MAX_BLOCKS remain. */
    if (blocks > MAX_BLOCKS) {
        __m128i ahead = load(POWERS_END - 1 - 2 * 4);
        __m128i b3 = load(p);
        p += BLOCK;
        for (rest = blocks - 4; rest >= 4; rest -= 4, p += 4 * BLOCK) {
            b0 = _mm_xor_si128(multiply(b0, ahead), load(p));
            b1 = _mm_xor_si128(multiply(b1, ahead), load(p + BLOCK));
            b2 = _mm_xor_si128(multiply(b2, ahead), load(p + 2 * BLOCK));
            b3 = _mm_xor_si128(multiply(b3, ahead), load(p + 3 * BLOCK));
        }
        factors = POWERS_END - 2 * (rest + 4);
        sum = weigh(sum, b0, factors);
        sum = weigh(sum, b1, factors + 2);
        sum = weigh(sum, b2, factors + 4);
        sum = weigh(sum, b3, factors + 6);
        factors += 8;
    } else {
        factors = POWERS_END - 2 * blocks;
        sum = weigh(sum, b0, factors);
        if (blocks == 1)
            return reduce(sum);
        sum = weigh(sum, b1, factors + 2);
        if (blocks == 2)
            return reduce(sum);
        sum = weigh(sum, b2, factors + 4);
        factors += 6;
        rest = blocks - 3;
    }
    for (; rest > 0; rest--, p += BLOCK, factors += 2)
        sum = weigh(sum, load(p), factors);
    return reduce(sum);
}

/* The first block: the first r bytes at p after zeros, with the initial state in them. Reads 16 bytes. */
INLINE SSE __m128i first_block(const uint8_t *p, size_t r, uint32_t state)
{
    return _mm_shuffle_epi8(_mm_xor_si128(load(p), _mm_cvtsi32_si128((int)state)), load(crc32_shift_up + r));
}

/* The block of a message's stream that begins at byte `at`, which is 1 to 32. */
INLINE SSE __m128i blended_block(const uint8_t *message, size_t at)
{
    return _mm_blendv_epi8(load(message + at + CRC32_FIELD_SIZE), load(message + at), load(crc32_before_field + at));
}

INLINE SSE uint32_t bytes_by_block(uint32_t crc, const uint8_t *p, size_t n)
{
    size_t blocks, r;
    __m128i b1 = _mm_setzero_si128(), b2 = b1;

    if (n < BLOCK)
        return crc32_slicing_bytes(crc, p, n);
    /* safety: n = r + 16 (blocks - 1) with r from 1 to 16; block i > 0 is [p + r + 16 (i - 1), + 16). */
    blocks = (n + BLOCK - 1) / BLOCK;
    r = n - BLOCK * (blocks - 1);
    if (blocks > 1)
        b1 = _mm_xor_si128(load(p + r), _mm_cvtsi32_si128((int)spill(~crc, r)));
    if (blocks > 2)
        b2 = load(p + r + BLOCK);
    return blocks_crc(first_block(p, r, ~crc), b1, b2, blocks > 3 ? p + r + 2 * BLOCK : p, blocks);
}

INLINE SSE uint32_t message_by_block(const uint8_t *message, size_t size)
{
    size_t n = size - CRC32_FIELD_SIZE;
    size_t blocks = (n + BLOCK - 1) / BLOCK;
    size_t r = n - BLOCK * (blocks - 1);
    __m128i b1, b2 = _mm_setzero_si128();

    /* safety: n >= 28, so there are two blocks or more. Block i > 0 is stream [r + 16 (i - 1), + 16), in memory at
     * most 4 bytes further, which is where the message ends. The fourth and later ones begin behind the field. */
    b1 = _mm_xor_si128(blended_block(message, r), _mm_cvtsi32_si128((int)spill(0xFFFFFFFFu, r)));
    if (blocks > 2)
        b2 = blended_block(message, r + BLOCK);
    return blocks_crc(first_block(message, r, 0xFFFFFFFFu), b1, b2,
                      blocks > 3 ? message + r + 2 * BLOCK + CRC32_FIELD_SIZE : message, blocks);
}

#endif

#endif
