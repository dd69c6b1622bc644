#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <pcap/pcap.h>
#include <protobuf-c/protobuf-c.h>
#include <sqlite3.h>
#include <stdio.h>
#include <yaml.h>

#include "cmd/commands.h"
#include "config.h"
#include "sense/classifier.h"

void version_print(void)
{
        printf("apnwatch %s\n", PACKAGE_VERSION);
        printf("with     nDPI %s, %s,\n         %s, protobuf-c %s, jansson %s, libyaml %s,\n"
               "         libevent %s, hiredis %d.%d.%d, SQLite %s\n", classifier_version(), pcap_lib_version(),
               OpenSSL_version(OPENSSL_VERSION), protobuf_c_version(), JANSSON_VERSION, yaml_get_version_string(),
               event_get_version(), HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, sqlite3_libversion());
        if (FEATURES_IN[0] != '\0')
                printf("and      %s\n", FEATURES_IN);
        if (FEATURES_OUT[0] != '\0')
                printf("without  %s\n", FEATURES_OUT);
        puts("licence  Apache-2.0; the TAC rows CC-BY-SA 3.0 (Osmocom TAC database, Harald Welte 2016)");
}
