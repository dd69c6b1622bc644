/* CRC-32C, reflected, polynomial 0x1edc6f41 (RFC 3720, B.4): by the processor that can (SSE 4.2), by a table elsewhere. */
#include "model/framing.h"

#include <stdbool.h>
#include <string.h>

static uint32_t table[8][256]; /* table[n][b]: byte b followed by n zero bytes */

static void make_table(void)
{
        for (uint32_t b = 0; b < 256; b++) {
                uint32_t crc = b;
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
                table[0][b] = crc;
        }
        for (unsigned n = 1; n < 8; n++)
                for (uint32_t b = 0; b < 256; b++)
                        table[n][b] = table[n - 1][b] >> 8 ^ table[0][table[n - 1][b] & 0xff];
}

uint32_t crc32c_by_table(const void *bytes, size_t length)
{
        if (table[0][1] == 0)
                make_table();
        const uint8_t *at = bytes;
        uint32_t crc = UINT32_MAX;
        for (; length >= 8; at += 8, length -= 8) {
                uint32_t low =
                        crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
                crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
                      table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
        }
        for (; length > 0; length--)
                crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xff];
        return ~crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_processor(const void *bytes, size_t length)
{
        const uint8_t *at = bytes;
        uint64_t crc = UINT32_MAX;
        for (; length >= 8; at += 8, length -= 8) {
                uint64_t word;
                memcpy(&word, at, 8);
                crc = _mm_crc32_u64(crc, word);
        }
        for (; length > 0; length--)
                crc = _mm_crc32_u8((uint32_t)crc, *at++);
        return ~(uint32_t)crc;
}

uint32_t crc32c(const void *bytes, size_t length)
{
        return __builtin_cpu_supports("sse4.2") ? by_processor(bytes, length) : crc32c_by_table(bytes, length);
}
#else
uint32_t crc32c(const void *bytes, size_t length)
{
        return crc32c_by_table(bytes, length);
}
#endif
