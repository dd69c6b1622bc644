/* First messages of trackers, built from the layouts in dissectors/tracker: one IMEI, 860536041234560, or the id that the family has. */
#pragma once

#include <netinet/in.h>

#define BYTES(text) text, sizeof text - 1

static const struct login {
        uint8_t protocol;
        const char *bytes;
        size_t length;
        const char *family, *imei, *vendor, *model, *firmware, *serial, *id;
} logins[] = {
        {IPPROTO_TCP, BYTES(
                 "xx\x0d\x01\x08`S`A#E`\x00\x01\xc0\xac\x0d\x0a"),
         "GT06", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "yy\x00\x11\x01\x08`S`A#E`6\x08\x19\x02\x00\x02_\xf0\x0d\x0a"),
         "GT06", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\x00\x0f" "860536041234560"),
         "Teltonika", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "~\x01\x00\x00-\x01" "9\x12" "4Vx\x00\x01\x00\x0b\x00" "dQCTELBG96-TRK\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00" "1234567\x01\xbe\xa9" "A12345\x01~"),
         "JT/T 808", NULL, "QCTEL", "BG96-TRK", NULL, "1234567", "13912345678"},
        {IPPROTO_TCP, BYTES(
                 "~\x01\x00\x00 \x01" "9\x12" "4Vx\x00\x01\x00\x0b\x00" "dQCTELTRK-7\x00\x00\x00" "1234567\x01"
                 "PLATE12\x19~"),
         "JT/T 808", NULL, "QCTEL", "TRK-7", NULL, "1234567", "13912345678"},
        {IPPROTO_TCP, BYTES(
                 "\x01\x00\x00\x0b\x00" "A\x00\x05\x00\x01X6\x00\x01\x00\x01M\x00\x00\x00\x01\x01\x01" "3\x00"
                 "\x07\x00\x00\x00\x86" "860536041234560262011234567890\x00" "491511234567\x00\x00\x00t\x98"),
         "EGTS", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\x01\x17\x00\x01\x10\x02\x80\x03" "860536041234560\x04" "2\x00" "6'"),
         "Galileosky", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\x00\x1f\x00\x03\x0e\xa7)\x0d\xe0\x80\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00vd"),
         "Ruptela", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "gg\x01\x00\x0c\x00\x01\x08`S`A#E`\x01 "),
         "Eelink", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\xf8\x01\x01\x08`S`A#E`\x08\xf7\x00\xf7\x0f\xf7\x0f\x01\x04\xf7\x0f\xf7\x00\x01\x02\x82\x98"
                 "\xf8"),
         "Ulbotech", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "##\x01\x00\x13\x00\x01\x08`S`A#E`\x10\x16\x02\x07"),
         "TopFlytech", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\xab\x00\x18\x00r\xc7\x03\x00\x01\x10\x01" "860536041234560\x05$\x01\x02\x03\x04"),
         "Eview", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\xff\x22\x80\xe0\x0d)\xa7\x0e\x03\x00"),
         "Arnavi", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "@P\x12" "4\x00" "2\x00\x01\x00\x03\x0e\xa7)\x0d\xe0\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00"),
         "Atrack", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "\xfe\x02\x00\x03\x0e\xa7)\x0d\xe0\x80\x00\x09"),
         "Atrack", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "@NTC\x01\x00\x00\x00\x00\x00\x00\x00\x13\x00@K*>S:860536041234560"),
         "Navis", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "$$A128,860536041234560,AAA,35,22.540113,114.076141,100313094354,A,5,22,1,174,4,129,0,435,0|0"
                 "|10133|4110,0000,166|224|193|2704|916*72\x0d\x0a"),
         "Meitrack", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "+RESP:GTFRI,1F0101,860536041234560,,,00,1,1,4.3,92,70.0,121.354335,31.222073,20090214013254,"
                 "0460,0000,18d8,6141,00,2000.0,20090214093254,11F0$"),
         "Queclink", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "+RESP:GTVER,060228,860536041234560,,GV300,0100,0101,20100214093254,11F0$"),
         "Queclink", "860536041234560", NULL, "GV300", "0100", NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "+RESP:GTTRI,860536041234560,1,0,99,1,0.0,354,18.5,18.821100,-34.084002,20120902091334,0655,0"
                 "001,00DD,1CAE,00,0103010100,20120902111334,0235$"),
         "Queclink", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "##,imei:860536041234560,A;"),
         "Coban", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "imei:860536041234560,tracker,0809231929,13554900601,F,112909.397,A,2234.4669,N,11354.3287,E,"
                 "0.11,;"),
         "Coban", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "*HQ,860536041234560,V1,123456,A,2234.4669,N,11354.3287,E,0.00,0,230820,FFFFFFFF#"),
         "H02", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "*HQ,4209951296,V1,123456,A,2234.4669,N,11354.3287,E,0.00,0,230820,FFFFFFFF#"),
         "H02", NULL, NULL, NULL, NULL, NULL, "4209951296"},
        {IPPROTO_TCP, BYTES(
                 "*ET,860536041234560,HB,A,050915,0C2A27,00CE5954,04132263,0000,0000,01000000,20,4,0000,00F123"
                 "#"),
         "EasyTrack", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "[3G*8800000015*0002*LK]"),
         "Watch", NULL, NULL, NULL, NULL, NULL, "8800000015"},
        {IPPROTO_TCP, BYTES(
                 "[3G*860536041234560*00FF*0009*LK,0,0,99]"),
         "Watch", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "#L#860536041234560;NA\x0d\x0a"),
         "Wialon IPS", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "#L#2.0;860536041234560;NA;BAA5\x0d\x0a"),
         "Wialon IPS", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "(088047194605BP05860536041234560150414A5234.4669N01354.3287E000.0123456000.00,00000000L00000"
                 "000)"),
         "TK103", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "*GS06,860536041234560,052339180916,,SYS:G6S;V3.37;V1.1.8,GPS:A;6;N23.164396;E113.428541;0;0;"
                 "25;1.22,GSM:;;460;0;24A4;7DA#"),
         "GoSafe", "860536041234560", NULL, "G6S", "V1.1.8", NULL, NULL},
        {IPPROTO_TCP, BYTES(
                 "@P,2BF2,108,4,860536041234560,20100107080000,20100107080000,20100107080000,121532380,2505346"
                 "6,90,2\x0d\x0a"),
         "Atrack", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_UDP, BYTES(
                 "\x00" "6\xca\xfe\x01\x05\x00\x0f" "860536041234560\x08\x01\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
         "Teltonika", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_UDP, BYTES(
                 "EL\x00\x1b\xab\xcd\x08`S`A#E`gg\x01\x00\x0c\x00\x01\x08`S`A#E`\x01 "),
         "Eelink", "860536041234560", NULL, NULL, NULL, NULL, NULL},
        {IPPROTO_UDP, BYTES(
                 "860536041234560;"),
         "Coban", "860536041234560", NULL, NULL, NULL, NULL, NULL},
};

enum { LOGINS = sizeof logins / sizeof logins[0] };
