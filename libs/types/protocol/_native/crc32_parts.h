/* CRC-32 of a message from the values it is made of, while they are in registers.
 *
 * Owns: the sum over parts.
 * Must not know: Python, and what the parts mean.
 * How it works: a checksum is linear. That of a message is that of the same message with zeros in some places, xor what
 * the bytes of these places add. A part of up to eight bytes adds its value times the power of x for the bits behind it
 * (crc32_factor), which is one multiplication; all parts together are reduced once (crc32_x86.h has the arithmetic).
 * Nothing is read back that has just been written: a load that spans several fresh stores waits for all of them.
 */
#ifndef PROTOCOL_V2_CRC32_PARTS_H
#define PROTOCOL_V2_CRC32_PARTS_H

#include "crc32_x86.h"

#if CRC32_X86

/* `sum`, zero at first, and a part: its bytes as a little-endian number, and its factor, at a multiple of 16 bytes. */
INLINE SSE __m128i parts_add(__m128i sum, uint64_t bits, const uint64_t *factor)
{
    /* safety: of the 16 bytes that are loaded only the factor counts; what it is a part of has as many */
    __m128i part = _mm_cvtsi64_si128((long long)bits), by = _mm_load_si128((const __m128i *)(const void *)factor);
    return _mm_xor_si128(sum, _mm_clmulepi64_si128(part, by, 0x00));
}

/* The checksum of the whole message; `zeros` is that of the message with zeros in place of all parts. */
INLINE SSE uint32_t parts_checksum(__m128i sum, uint32_t zeros)
{
    return zeros ^ ~reduce(sum);
}

#endif

#endif
