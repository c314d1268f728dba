/* CRC-32 of messages: the interface.
 *
 * Owns: the checksum of Protocol V2 (CRC-32/ISO-HDLC, the one of zlib) over plain bytes and over messages.
 * Must not know: Python, the fields of a header or the TLVs; only that a header has 32 bytes and that the checksum
 * field, bytes 28 to 31, is left out of the sum.
 * How it works: crc32_init builds the tables and picks the fastest implementation this processor has; every other
 * function goes through it. All implementations give the same numbers.
 *
 * Call crc32_init once, from one thread, before anything else. crc32_select is for tests and measurements and must
 * not run while another thread computes. The remaining functions keep no state and may run in parallel.
 */
#ifndef PROTOCOL_CRC32_H
#define PROTOCOL_CRC32_H

#include <stddef.h>
#include <stdint.h>

enum {
    CRC32_HEADER_SIZE = 32,
    CRC32_FIELD_OFFSET = 28,
    CRC32_FIELD_SIZE = 4,
    CRC32_ALIKE = 42, /* from this size on, what crc32_rows is given has to agree in some places */
};

/* Build the tables and select "auto". Calling it again changes nothing. */
void crc32_init(void);

/* Select "slicing", "pclmul", "avx512" or "auto" (the fastest). 0, or -1 when this machine or build has no such one. */
int crc32_select(const char *name);

/* The implementation in use: one of the names above, never "auto". */
const char *crc32_selected(void);

/* Continue `crc` (0 at the start) over n bytes, as zlib.crc32(p, crc) does. p may be null when n is 0. */
uint32_t crc32_bytes(uint32_t crc, const uint8_t *p, size_t n);

/* The checksum of one message: bytes [0, 28) and [32, size). Needs size >= 32. */
uint32_t crc32_message(const uint8_t *message, size_t size);

/* What a part of a message is multiplied by in crc32_parts.h: x^(bits + 32) modulo P, one bit up, for the number of bits
 * behind eight bytes that begin where the part does. It is negative, from -56, where the message ends before these. */
uint64_t crc32_factor(int64_t bits);

/* Does the implementation in use multiply, so that a checksum may be made of parts? */
extern int crc32_multiplies;

/* The checksums of `count` messages of one size >= 32, message i at first + i * stride. Those of CRC32_ALIKE bytes or more
 * agree in the magic, in the size field and in the first two bytes behind the header: these may be read once for all. */
void crc32_rows(const uint8_t *first, size_t stride, size_t count, size_t size, uint32_t *out);

#endif
