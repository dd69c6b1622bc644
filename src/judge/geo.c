#include "judge/geo.h"

#include <ctype.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct geo {
        MMDB_s *files;
        unsigned count;
};

struct geo *geo_open(const char *const *paths, unsigned count, FILE *errors)
{
        struct geo *geo = calloc(1, sizeof *geo);
        bool good = geo != NULL;
        if (geo != NULL)
                geo->files = calloc(count ? count : 1, sizeof *geo->files);
        good = good && geo->files != NULL;
        for (unsigned i = 0; i < count && geo != NULL && geo->files != NULL; i++) {
                int status = MMDB_open(paths[i], MMDB_MODE_MMAP, &geo->files[geo->count]);
                geo->count += status == MMDB_SUCCESS;
                good &= status == MMDB_SUCCESS;
                if (status != MMDB_SUCCESS)
                        fprintf(errors, "%s: %s; expected a MaxMind database (.mmdb)\n", paths[i], MMDB_strerror(status));
        }
        if (good)
                return geo;
        geo_close(geo);
        return NULL;
}

void geo_close(struct geo *geo)
{
        if (geo == NULL)
                return;
        for (unsigned i = 0; i < geo->count; i++)
                MMDB_close(&geo->files[i]);
        free(geo->files);
        free(geo);
}

static void take_country(MMDB_entry_s *entry, struct geo_facts *out)
{
        static const char *const paths[][3] = {{"country", "iso_code", NULL}, {"registered_country", "iso_code", NULL},
                                               {"country_code", NULL, NULL}};
        MMDB_entry_data_s data;
        for (unsigned i = 0; i < sizeof paths / sizeof *paths && out->country[0] == '\0'; i++) {
                if (MMDB_aget_value(entry, &data, paths[i]) != MMDB_SUCCESS || !data.has_data ||
                    data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size != 2)
                        continue;
                out->country[0] = (char)toupper((unsigned char)data.utf8_string[0]);
                out->country[1] = (char)toupper((unsigned char)data.utf8_string[1]);
        }
}

/* GeoLite2's name, and DB-IP's and IPinfo's, which write it as text with AS in front. */
static void take_asn(MMDB_entry_s *entry, struct geo_facts *out)
{
        static const char *const paths[][2] = {{"autonomous_system_number", NULL}, {"asn", NULL}};
        MMDB_entry_data_s data;
        for (unsigned i = 0; i < sizeof paths / sizeof *paths && !out->has_asn; i++) {
                char text[16] = "";
                if (MMDB_aget_value(entry, &data, paths[i]) != MMDB_SUCCESS || !data.has_data)
                        continue;
                if (data.type == MMDB_DATA_TYPE_UTF8_STRING && data.data_size < sizeof text) {
                        memcpy(text, data.utf8_string, data.data_size);
                        const char *digits = text + (strncmp(text, "AS", 2) == 0 ? 2 : 0);
                        out->has_asn = isdigit((unsigned char)*digits);
                        out->asn = (uint32_t)strtoul(digits, NULL, 10);
                } else if (data.type == MMDB_DATA_TYPE_UINT32 || data.type == MMDB_DATA_TYPE_UINT16) {
                        out->has_asn = true;
                        out->asn = data.type == MMDB_DATA_TYPE_UINT32 ? data.uint32 : data.uint16;
                }
        }
}

bool geo_lookup(const struct geo *geo, const struct address *address, struct geo_facts *out)
{
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool ipv4 = address_is_ipv4(address);
        memset(out, 0, sizeof *out);
        memcpy(&v4.sin_addr, address->bytes + 12, 4);
        memcpy(&v6.sin6_addr, address->bytes, 16);
        const struct sockaddr *socket = ipv4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
        for (unsigned i = 0; geo != NULL && i < geo->count; i++) {
                int status;
                MMDB_lookup_result_s result = MMDB_lookup_sockaddr(&geo->files[i], socket, &status);
                if (status != MMDB_SUCCESS || !result.found_entry)
                        continue;
                if (out->country[0] == '\0')
                        take_country(&result.entry, out);
                if (!out->has_asn)
                        take_asn(&result.entry, out);
        }
        return out->country[0] != '\0' || out->has_asn;
}
