/* CRC-32 of messages on x86-64: the "pclmul" implementation.
 *
 * Owns: the constants of the SIMD implementations, the question whether a processor runs them, and the one that works
 * 128 bits at a time (SSE4.1 and PCLMULQDQ).
 * Must not know: who calls, and which implementation is in use.
 * How it works: crc32_x86.h has the arithmetic.
 */
#include "crc32_x86.h"

#if CRC32_X86

uint64_t crc32_powers[2 * MAX_BLOCKS] __attribute__((aligned(64)));
uint64_t crc32_header_powers[2 * MAX_BLOCKS] __attribute__((aligned(64)));

/* Indices that shift a block up: read 16 of them from entry r on to keep the first r bytes, zeros in front. */
const uint8_t crc32_shift_up[2 * BLOCK] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
};

/* For each position in a stream of a message: is it before the checksum field? */
const uint8_t crc32_before_field[3 * BLOCK] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0,   0,   0,   0,
};

void crc32_x86_init(void)
{
    uint32_t power = 0x80000000u;

    for (int i = 0; i < 2 * 2 * MAX_BLOCKS; i++) { /* power is x^(32 i) */
        uint64_t *powers = i % 2 ? crc32_powers : crc32_header_powers;

        powers[2 * MAX_BLOCKS - 1 - i / 2] = (uint64_t)power << 1;
        for (int bit = 0; bit < 32; bit++)
            power = (power >> 1) ^ (CRC32_POLYNOMIAL & (0u - (power & 1u)));
    }
}

int crc32_x86_has(const struct crc32_impl *impl)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.1") || !__builtin_cpu_supports("pclmul"))
        return 0;
    return impl == &crc32_pclmul ||
           (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("vpclmulqdq"));
}

static SSE uint32_t pclmul_bytes(uint32_t crc, const uint8_t *p, size_t n)
{
    return bytes_by_block(crc, p, n);
}

static SSE uint32_t pclmul_message(const uint8_t *message, size_t size)
{
    return message_by_block(message, size);
}

static SSE void pclmul_rows(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = message_by_block(first + i * stride, size);
}

const struct crc32_impl crc32_pclmul = {
    .name = "pclmul",
    .bytes = pclmul_bytes,
    .message = pclmul_message,
    .rows = pclmul_rows,
};

#endif
