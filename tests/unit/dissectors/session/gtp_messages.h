/* Messages for the tests of GTP-C, in hexadecimal. */
#pragma once

/* ntop/nDPI's gtp_c.pcap, frame 1: Create Session Request on S5/S8. */
#define CREATE_SESSION_REQUEST \
        "48 20 00f3 00000000 4b5462 00"                               /* T; length 243; TEID 0; sequence */ \
        "01 0008 00 8967451122334 4f5"                                /* IMSI 987654112233445 */ \
        "4c 0006 00 987654123456"                                     /* MSISDN 896745214365 */ \
        "4b 0008 00 3456789012010 2f3"                                /* MEI 436587092110203 */ \
        "56 000d 00 18 987654 1234 987654 12345678"                   /* ULI: TAI, ECGI with bits above 28 */ \
        "53 0003 00 894756"                                           /* serving network 987-654 */ \
        "52 0001 00 06"                                               /* EUTRAN */ \
        "4d 0002 00 0000"                                             /* indication */ \
        "57 0009 00 86 35529204 0a650002"                             /* F-TEID S5/S8 SGW GTP-C, 10.101.0.2 */ \
        "47 0009 00 08696e7465726e6574"                               /* APN internet */ \
        "80 0001 00 00  63 0001 00 01"                                /* selection mode, PDN type */ \
        "4f 0005 00 01 21171701"                                      /* PAA 33.23.23.1 */ \
        "7f 0001 00 02  48 0008 00 0000270f0000270f"                  /* APN restriction, AMBR */ \
        "49 0001 00 05"                                               /* linked EBI 5 */ \
        "5d 003d 00"                                                  /* bearer context */ \
        "  49 0001 00 05  54 000d 00 2131010910c0a80101ffffff00"      /* EBI 5, TFT */ \
        "  57 0009 02 84 35529205 0a650002"                           /* F-TEID S5/S8 SGW GTP-U */ \
        "  50 0016 00 18070000000000000000000000000000000000000000"   /* QoS */ \
        "84 0007 00 01ac106b710001  84 0007 01 01ac106b720001"        /* FQ-CSIDs */ \
        "72 0002 00 0000  5f 0002 00 0001"                            /* time zone, charging characteristics */

/* A Create Session Response and, piggybacked, a Create Bearer Request: PGW to SGW. */
#define CREATE_SESSION_RESPONSE_AND_BEARER \
        "58 21 0057 00001001 00000a 00"                               /* P, T; length 87 */ \
        "02 0002 00 1000"                                             /* cause: accepted */ \
        "57 0009 01 87 00003001 0a420002"                             /* PGW GTP-C, 10.66.0.2 */ \
        "4f 0005 00 01 0a2d000a"                                      /* PAA 10.45.0.10 */ \
        "5d 0018 00 49 0001 00 05 02 0002 00 1000"                    /* bearer 5, accepted */ \
        "  57 0009 02 85 00004001 0a420002"                           /* PGW GTP-U */ \
        "03 0001 00 07  ff 0006 00 28afdeadbeef"                      /* recovery 7, private extension */ \
        "fe 0004 00 01001122"                                         /* extended type */ \
        "48 5f 0048 00001001 800001 00"                               /* T; length 72; triggered */ \
        "49 0001 00 05"                                               /* linked EBI 5 */ \
        "5d 0037 00 49 0001 00 00"                                    /* EBI 0: to be given */ \
        "  54 0007 00 21300a03501664"                                 /* TFT */ \
        "  57 0009 01 85 00004002 0a420002"                           /* PGW GTP-U */ \
        "  50 0016 00 2c050000000000000000000000000000000000000000"   /* QoS */

/* Create PDP Context Request of an SGSN, 10.66.0.1. */
#define CREATE_PDP_REQUEST \
        "32 10 007e 00000000 0064 00 00"                              /* S; length 126; TEID 0; sequence 100 */ \
        "02 00010100000001f1"                                         /* IMSI 001010000000101 */ \
        "03 00f110 2222 ff"                                           /* RAI */ \
        "0e 09  0f fc"                                                /* recovery 9, selection mode */ \
        "10 00000071  11 00000072  14 05"                             /* TEID data, TEID control, NSAPI */ \
        "80 0002 f121"                                                /* end user address: IETF, IPv4, dynamic */ \
        "83 000c 036d326d076578616d706c65"                            /* APN m2m.example */ \
        "85 0004 0a420001  85 0004 0a420001"                          /* GSN addresses: control, user */ \
        "86 0007 91947109001010"                                      /* MSISDN */ \
        "87 000c 000000000000000000000000"                            /* QoS */ \
        "97 0001 02  98 0008 00 00f110 2222 3333"                     /* RAT GERAN, ULI CGI */ \
        "99 0002 0400  9a 0008 5343096089371335"                      /* time zone, IMEISV */

#define CREATE_PDP_RESPONSE \
        "32 11 0030 00000072 0064 00 00" \
        "01 80  08 fe  0e 03"                                         /* accepted, reordering, recovery 3 */ \
        "10 00000081  11 00000082  7f 00000001"                       /* TEIDs, charging id */ \
        "80 0006 f121 0a2e0005"                                       /* 10.46.0.5 */ \
        "85 0004 0a420002  85 0004 0a420002"
