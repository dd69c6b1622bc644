/* SUPL START in clear: OMA-TS-ULP-V2_0 in unaligned PER (ITU-T X.691): an IMSI as session and a GSM cell as place. */
#include <stdio.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

struct bit_writer {
        uint8_t data[64];
        unsigned bits;
};

static void put_bits(struct bit_writer *w, uint64_t value, unsigned count)
{
        while (count-- > 0) {
                if (value >> count & 1)
                        w->data[w->bits / 8] |= (uint8_t)(0x80 >> w->bits % 8);
                w->bits++;
        }
}

static void put_session(struct bit_writer *w, uint32_t device)
{
        char imsi[IMSI_SIZE];
        device_imsi(device, imsi);
        put_bits(w, 2, 2); /* only setSessionID */
        put_bits(w, 1 + device % 60000, 16);
        put_bits(w, 0, 1);
        put_bits(w, 3, 3); /* imsi */
        for (unsigned i = 0; i < 16; i += 2) {
                unsigned low = (unsigned)(imsi[i] - '0'), high = i + 1 < 15 ? (unsigned)(imsi[i + 1] - '0') : 0xf;
                put_bits(w, high << 4 | low, 8);
        }
}

static void put_start(struct bit_writer *w, uint32_t device)
{
        put_bits(w, 0, 1);
        put_bits(w, 1, 3);    /* SUPL START */
        put_bits(w, 0, 2);    /* no extension, no QoP */
        put_bits(w, 0, 1);    /* SET capabilities */
        put_bits(w, 0x60, 8); /* A-GPS, SET assisted and SET based */
        put_bits(w, 0, 2);
        put_bits(w, 2, 4); /* RRLP */
        put_bits(w, 0, 1); /* location id */
        put_bits(w, 0, 3); /* GSM cell */
        put_bits(w, 0, 3);
        put_bits(w, 262, 10);
        put_bits(w, 1, 10);
        put_bits(w, 4660, 16);
        put_bits(w, device % 60000, 16);
        put_bits(w, 1, 3); /* current */
}

void supl_start(struct conversation *c, uint32_t device)
{
        char imsi[IMSI_SIZE];
        struct bit_writer w = {.bits = 16};
        put_bits(&w, 0x020000, 24); /* version 2.0.0 */
        put_session(&w, device);
        put_start(&w, device);
        unsigned length = (w.bits + 7) / 8;
        w.data[0] = (uint8_t)(length >> 8);
        w.data[1] = (uint8_t)length;
        conversation_send(c, UP, w.data, length);
        tell_lookup(c, &(struct lookup_fact){.family = "SUPL",
                                             .version = "2.0.0",
                                             .message = "SUPL START",
                                             .subscriber = device_imsi(device, imsi),
                                             .has_cell = true,
                                             .mcc = 262,
                                             .mnc = 1,
                                             .area = 4660,
                                             .cell = device % 60000});
}
