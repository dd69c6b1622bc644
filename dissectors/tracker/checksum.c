#include "dissectors/tracker/checksum.h"

/* Logins are short and one a flow: bit by bit is fast enough. */
static uint16_t reflected(struct cursor bytes, uint16_t polynomial, uint16_t crc)
{
        for (const uint8_t *at = bytes.at; at < bytes.end; at++) {
                crc ^= *at;
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ polynomial : crc >> 1);
        }
        return crc;
}

static uint16_t straight(struct cursor bytes, uint16_t polynomial, uint16_t crc)
{
        for (const uint8_t *at = bytes.at; at < bytes.end; at++) {
                crc = (uint16_t)(crc ^ *at << 8);
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ polynomial : crc << 1);
        }
        return crc;
}

uint16_t crc16_x25(struct cursor bytes)
{
        return reflected(bytes, 0x8408, 0xffff) ^ 0xffff;
}

uint16_t crc16_kermit(struct cursor bytes)
{
        return reflected(bytes, 0x8408, 0);
}

uint16_t crc16_modbus(struct cursor bytes)
{
        return reflected(bytes, 0xa001, 0xffff);
}

uint16_t crc16_xmodem(struct cursor bytes)
{
        return straight(bytes, 0x1021, 0);
}

uint16_t crc16_ccitt_false(struct cursor bytes)
{
        return straight(bytes, 0x1021, 0xffff);
}

uint8_t crc8_egts(struct cursor bytes)
{
        uint8_t crc = 0xff;
        for (const uint8_t *at = bytes.at; at < bytes.end; at++) {
                crc ^= *at;
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x31 : crc << 1);
        }
        return crc;
}

uint8_t xor_of(struct cursor bytes)
{
        uint8_t all = 0;
        for (const uint8_t *at = bytes.at; at < bytes.end; at++)
                all ^= *at;
        return all;
}

uint8_t sum_of(struct cursor bytes)
{
        uint8_t all = 0;
        for (const uint8_t *at = bytes.at; at < bytes.end; at++)
                all = (uint8_t)(all + *at);
        return all;
}
