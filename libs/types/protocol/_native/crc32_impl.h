/* CRC-32 of messages: what the source files share.
 *
 * Owns: the table of functions that makes an implementation, and whether this build has the x86-64 ones.
 * Must not know: how any of them computes.
 * Only the sources named crc32* include it, and those that include crc32_parts.h; everything else includes crc32.h.
 */
#ifndef PROTOCOL_CRC32_IMPL_H
#define PROTOCOL_CRC32_IMPL_H

#include "crc32.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CRC32_X86 1
#else
#define CRC32_X86 0
#endif

/* The reflected polynomial: bit 31 is the coefficient of x^0. */
#define CRC32_POLYNOMIAL 0xEDB88320u

struct crc32_impl {
    const char *name;
    uint32_t (*bytes)(uint32_t crc, const uint8_t *p, size_t n);
    uint32_t (*message)(const uint8_t *message, size_t size);
    void (*rows)(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out);
};

/* The portable implementation of crc32_bytes. The SIMD ones use it below 16 bytes. */
uint32_t crc32_slicing_bytes(uint32_t crc, const uint8_t *p, size_t n);

#if CRC32_X86
extern const struct crc32_impl crc32_pclmul;
extern const struct crc32_impl crc32_avx512;

/* Compute the constants both need. */
void crc32_x86_init(void);

/* Does this processor, and its operating system, run the implementation? */
int crc32_x86_has(const struct crc32_impl *impl);
#endif

#endif
