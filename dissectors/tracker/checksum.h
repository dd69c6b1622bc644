/* Check sums of trackers' protocols, by the names of the catalogue of parametrised CRC algorithms. */
#pragma once

#include "base/cursor.h"

uint16_t crc16_x25(struct cursor bytes);         /* 0x1021 reflected, init 0xffff, xorout 0xffff: GT06, Castel */
uint16_t crc16_kermit(struct cursor bytes);      /* 0x1021 reflected, init 0: Ruptela */
uint16_t crc16_modbus(struct cursor bytes);      /* 0x8005 reflected, init 0xffff: Galileosky */
uint16_t crc16_xmodem(struct cursor bytes);      /* 0x1021, init 0: Ulbotech, Eview */
uint16_t crc16_ccitt_false(struct cursor bytes); /* 0x1021, init 0xffff: EGTS */
uint8_t crc8_egts(struct cursor bytes);          /* 0x31, init 0xff */
uint8_t xor_of(struct cursor bytes);
uint8_t sum_of(struct cursor bytes);
