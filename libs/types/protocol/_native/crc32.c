/* CRC-32 of messages: the portable implementation and the choice between implementations.
 *
 * Owns: the lookup tables, slicing by 16, and which implementation is in use.
 * Must not know: SIMD instructions (crc32_x86.h) and Python.
 * How it works: table t holds, for every byte, the remainder of that byte followed by t zero bytes. A step xors the
 * state into the first four of sixteen bytes and looks all sixteen up at once; the lookups do not wait for each
 * other. Words are read byte by byte in little-endian order (compilers make one load of that where that is right), so
 * the byte order and the alignment of the machine do not matter.
 */
#include "crc32_impl.h"

#include <string.h>

static uint32_t slices[16][256];
static const struct crc32_impl *selected;
int crc32_multiplies;

static void make_slices(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (CRC32_POLYNOMIAL & (0u - (crc & 1u)));
        slices[0][byte] = crc;
    }
    for (int slice = 1; slice < 16; slice++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t crc = slices[slice - 1][byte];
            slices[slice][byte] = (crc >> 8) ^ slices[0][crc & 255u];
        }
    }
}

static inline uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Look up the four bytes of `w`, which `after` bytes (a constant) of the same step follow. */
static inline uint32_t look_up(uint32_t w, int after)
{
    return slices[after + 3][w & 255u] ^ slices[after + 2][w >> 8 & 255u] ^ slices[after + 1][w >> 16 & 255u] ^
           slices[after][w >> 24];
}

/* One step over sixteen bytes given as four words; the last one need not follow the third in memory. */
static inline uint32_t step(uint32_t state, const uint8_t *p, const uint8_t *last)
{
    return look_up(state ^ word(p), 12) ^ look_up(word(p + 4), 8) ^ look_up(word(p + 8), 4) ^ look_up(word(last), 0);
}

/* Continue a state (a checksum before the final inversion) over n bytes. */
static inline uint32_t run(uint32_t state, const uint8_t *p, size_t n)
{
    /* safety: p moves only by what n still allows. */
    for (; n >= 16; p += 16, n -= 16)
        state = step(state, p, p + 12);
    for (; n >= 4; p += 4, n -= 4)
        state = look_up(state ^ word(p), 0);
    for (; n > 0; p++, n--)
        state = (state >> 8) ^ slices[0][(state ^ *p) & 255u];
    return state;
}

uint32_t crc32_slicing_bytes(uint32_t crc, const uint8_t *p, size_t n)
{
    return ~run(~crc, p, n);
}

static inline uint32_t slicing_message(const uint8_t *message, size_t size)
{
    uint32_t state = 0xFFFFFFFFu;

    /* safety: size >= 32, so bytes 0 to 31 exist; byte 32 and up are read only when size says so. */
    if (size < CRC32_HEADER_SIZE + 4) {
        state = run(state, message, CRC32_FIELD_OFFSET);
        return ~run(state, message + CRC32_HEADER_SIZE, size - CRC32_HEADER_SIZE);
    }
    state = step(state, message, message + 12);
    state = step(state, message + 16, message + CRC32_HEADER_SIZE);
    return ~run(state, message + CRC32_HEADER_SIZE + 4, size - CRC32_HEADER_SIZE - 4);
}

static void slicing_rows(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out)
{
    /* safety: row i < count is inside what the caller vouches for; no pointer to a further row is made. */
    for (size_t i = 0; i < count; i++)
        out[i] = slicing_message(first + i * stride, size);
}

static const struct crc32_impl crc32_slicing = {
    .name = "slicing",
    .bytes = crc32_slicing_bytes,
    .message = slicing_message,
    .rows = slicing_rows,
};

/* Slowest first: "auto" is the last one the machine has. */
static const struct crc32_impl *const implementations[] = {
    &crc32_slicing,
#if CRC32_X86
    &crc32_pclmul,
    &crc32_avx512,
#endif
};

static int has(const struct crc32_impl *impl)
{
#if CRC32_X86
    return impl == &crc32_slicing || crc32_x86_has(impl);
#else
    return impl == &crc32_slicing;
#endif
}

void crc32_init(void)
{
    if (selected != NULL)
        return;
    make_slices();
#if CRC32_X86
    crc32_x86_init();
#endif
    crc32_select("auto");
}

int crc32_select(const char *name)
{
    const struct crc32_impl *found = NULL;
    int any = strcmp(name, "auto") == 0;

    for (size_t i = 0; i < sizeof implementations / sizeof implementations[0]; i++) {
        const struct crc32_impl *impl = implementations[i];
        if ((any || strcmp(name, impl->name) == 0) && has(impl))
            found = impl;
    }
    if (found == NULL)
        return -1;
    selected = found;
    crc32_multiplies = found != &crc32_slicing;
    return 0;
}

const char *crc32_selected(void)
{
    return selected->name;
}

uint32_t crc32_bytes(uint32_t crc, const uint8_t *p, size_t n)
{
    return selected->bytes(crc, p, n);
}

uint32_t crc32_message(const uint8_t *message, size_t size)
{
    return selected->message(message, size);
}

uint64_t crc32_factor(int64_t bits)
{
    uint32_t power = 0x80000000u; /* x^0 */

    for (int64_t e = bits + 32; e > 0; e--)
        power = (power >> 1) ^ (CRC32_POLYNOMIAL & (0u - (power & 1u)));
    for (int64_t e = bits + 32; e < 0; e++) /* what the line above would make this of; P has its x^0 in bit 31 */
        power = power & 0x80000000u ? (power ^ CRC32_POLYNOMIAL) << 1 | 1u : power << 1;
    return (uint64_t)power << 1;
}

void crc32_rows(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out)
{
    selected->rows(first, stride, count, size, out);
}
