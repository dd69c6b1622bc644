/* The words and suffixes are those of the vendors' documents in contrib/intel and of the update frameworks that devices
 * carry (SWUpdate, RAUC, Mender, MCUboot, Android A/B, OpenWrt, ESP-IDF). */
#include "judge/update_image.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = 256 };

/* Of a list in lower case. */
static bool is_one_of(const char *text, const char *const *list)
{
        int first = tolower((unsigned char)*text);
        for (; *list; list++) {
                if (first == **list && strcasecmp(text, *list) == 0)
                        return true;
        }
        return false;
}

/* First bytes that nothing but firmware begins with. */
static bool is_firmware_magic(const char *image)
{
        static const char *const firmware[] = {
                "mcuboot", "android-ota", "android-boot", "android-sparse",  "uimage", "device-tree", "squashfs",
                "ubi",     "intel-hex",   "s-record",     "eigencomm-delta", "bsdiff", NULL};
        return image && is_one_of(image, firmware);
}

static bool is_firmware_suffix(const char *suffix)
{
        static const char *const firmware[] = {"dup", "spk",   "cwe",  "pac",    "swu",    "raucb",  "mender", "mbn",
                                               "fw",  "dfota", "fota", "ota",    "dfu",    "uf2",    "s19",    "srec",
                                               "mot", "usf",   "nvu",  "bsdiff", "xdelta", "vcdiff", NULL};
        return is_one_of(suffix, firmware);
}

/* Images with a suffix that other things have too. */
static bool is_binary_suffix(const char *suffix)
{
        static const char *const binary[] = {"bin",   "img", "rom", "hex", "elf", "delta", "diff",
                                             "patch", "upd", "pkg", "sig", "enc", NULL};
        return is_one_of(suffix, binary);
}

static bool is_archive_suffix(const char *suffix)
{
        static const char *const archive[] = {"zip", "gz", "tgz",  "tar", "xz",   "lzma",    "zst",
                                              "bz2", "7z", "cpio", "dat", "pack", "package", NULL};
        return is_one_of(suffix, archive);
}

/* Told by the name alone that it is no image, whatever folder it lies in. */
static bool is_other_suffix(const char *suffix)
{
        static const char *const other[] = {
                "html", "htm",  "js",    "css", "json", "xml",  "txt", "csv", "png",  "jpg",  "jpeg", "gif", "svg",  "webp",
                "ico",  "mp3",  "mp4",   "m4s", "ts",   "m3u8", "mpd", "avi", "flv",  "webm", "pdf",  "doc", "docx", "xls",
                "xlsx", "exe",  "msi",   "msu", "cab",  "psf",  "apk", "deb", "rpm",  "dmg",  "jar",  "crl", "crt",  "cer",
                "der",  "woff", "woff2", "ttf", "swf",  "log",  "php", "asp", "aspx", "vpx",  "vdf",  "cvd", "ver",  NULL};
        return is_one_of(suffix, other);
}

static bool is_firmware_word(const char *word)
{
        static const char *const words[] = {"firmware",  "fota", "dfota",   "fotadata", "ota",        "fwupdate",
                                            "fwupgrade", "fw",   "mfw",     "swupdate", "sysupgrade", "bootloader",
                                            "hota",      "foat", "modemfw", "appfw",    NULL};
        return is_one_of(word, words);
}

/* Words that say it only together with a suffix or a version. */
static bool is_update_word(const char *word)
{
        static const char *const words[] = {"update",  "upgrade", "delta",  "image", "images", "boot",
                                            "modem",   "module",  "mcu",    "app",   "rootfs", "kernel",
                                            "release", "patch",   "system", "full",  "upd",    NULL};
        return is_one_of(word, words);
}

struct words {
        bool firmware, update, version; /* version: "1.2", "v12", "R01A07": digits beside a dot or letters before them */
};

/* "v12", "EC200ACNHAR01A02M16"; not the hex digits of a hash or an id. */
static bool is_version_word(const char *word, size_t length)
{
        bool digits = false, letters = false, hex = true;
        for (size_t i = 0; i < length; i++) {
                digits |= isdigit((unsigned char)word[i]) != 0;
                letters |= isalpha((unsigned char)word[i]) != 0;
                hex &= isxdigit((unsigned char)word[i]) != 0;
        }
        bool v = (word[0] == 'v' || word[0] == 'V') && length > 1 && isdigit((unsigned char)word[1]);
        return v || (digits && letters && !hex && length >= 5);
}

/* "router-firmware-2.4.1" is router, firmware, 2, 4, 1; "fwUpdate" is also fw, Update. */
static void read_words(const char *text, size_t text_length, struct words *found)
{
        char word[32];
        size_t length = 0;
        unsigned numbers = 0;
        for (const char *at = text;; at++) {
                bool is_end = at == text + text_length;
                unsigned char c = is_end ? '\0' : (unsigned char)*at;
                bool hump = length > 0 && isupper(c) && islower((unsigned char)at[-1]);
                if (isalnum(c) && !hump) {
                        if (length + 1 < sizeof word)
                                word[length++] = (char)c;
                        continue;
                }
                word[length] = '\0';
                if (length > 0) {
                        found->firmware |= is_firmware_word(word);
                        found->update |= is_update_word(word);
                        found->version |= is_version_word(word, length);
                        numbers = isdigit((unsigned char)word[0]) ? numbers + 1 : 0;
                        found->version |= numbers >= 2 && (c == '.' || at[-(ptrdiff_t)length - 1] == '.');
                }
                length = 0;
                if (hump)
                        word[length++] = (char)c;
                if (is_end)
                        return;
        }
}

static const char *suffix_of(const char *name)
{
        const char *dot = strrchr(name, '.');
        return dot && dot != name ? dot + 1 : "";
}

const char *update_image_name(const Apnwatch__V1__Transfer *transfer, char *name, unsigned size)
{
        const char *from = transfer->file_name ? transfer->file_name : transfer->path ? transfer->path : "";
        size_t length = strcspn(from, "?#");
        size_t begin = length;
        while (begin > 0 && from[begin - 1] != '/')
                begin--;
        snprintf(name, size, "%.*s", (int)(length - begin), from + begin);
        return name;
}

static bool is_module_agent(const char *agent)
{
        static const char *const agents[] = {"QUECTEL",
                                             "SIMCOM",
                                             "UBLOX-HttpClient",
                                             "MAUI htp",
                                             "ESP8266-http-Update",
                                             "ESP32-http-Update",
                                             "SWUpdate",
                                             "Mender",
                                             "RAUC",
                                             "casync",
                                             "mcumgr",
                                             "hawkbit",
                                             "dfota",
                                             NULL};
        for (unsigned i = 0; agent && agents[i]; i++) {
                if (strncasecmp(agent, agents[i], strlen(agents[i])) == 0)
                        return true;
        }
        return false;
}

static bool has_part(const char *text, const char *part)
{
        size_t length = strlen(part);
        for (; *text; text++) {
                if (strncasecmp(text, part, length) == 0)
                        return true;
        }
        return false;
}

static bool type_is_firmware(const char *type)
{
        return type && (has_part(type, "firmware") || has_part(type, "fota") || has_part(type, "/vnd.android.ota"));
}

static bool type_is_other(const char *type)
{
        static const char *const kinds[] = {"text/",
                                            "image/",
                                            "video/",
                                            "audio/",
                                            "font/",
                                            "application/json",
                                            "application/javascript",
                                            "application/xml",
                                            "application/pdf",
                                            "application/vnd.apple",
                                            "application/dash",
                                            NULL};
        for (unsigned i = 0; type && kinds[i]; i++) {
                if (strncasecmp(type, kinds[i], strlen(kinds[i])) == 0)
                        return true;
        }
        return false;
}

static enum image_guess guess_by_words(const char *suffix, const struct words *name, const struct words *place,
                                       const char *agent)
{
        bool by_module = is_module_agent(agent);
        if (is_binary_suffix(suffix)) {
                if (name->firmware || (place->firmware && (name->version || name->update)) ||
                    (name->update && name->version))
                        return IMAGE_LIKELY;
                return name->version || name->update || place->firmware || by_module ? IMAGE_POSSIBLE : IMAGE_NO;
        }
        if (is_archive_suffix(suffix)) {
                if (name->firmware || (place->firmware && (name->version || name->update)) || (by_module && name->version))
                        return IMAGE_LIKELY;
                return place->firmware || by_module ? IMAGE_POSSIBLE : IMAGE_NO;
        }
        if (suffix[0] == '\0' || strlen(suffix) > 5 ||
            isdigit((unsigned char)suffix[0])) /* none at all: a name such as xyDelta */
                return name->firmware || (by_module && (name->update || name->version)) ? IMAGE_POSSIBLE : IMAGE_NO;
        return name->firmware && name->version ? IMAGE_POSSIBLE : IMAGE_NO;
}

enum image_guess update_image_guess(const Apnwatch__V1__Transfer *transfer)
{
        char name[NAME_SIZE];
        struct words in_name = {false, false, false}, in_place = {false, false, false};
        const char *suffix = suffix_of(update_image_name(transfer, name, sizeof name));
        if (is_firmware_magic(transfer->image) || type_is_firmware(transfer->content_type))
                return IMAGE_LIKELY;
        if (type_is_other(transfer->content_type))
                return IMAGE_NO;
        if (is_firmware_suffix(suffix))
                return IMAGE_LIKELY;
        if (is_other_suffix(suffix))
                return IMAGE_NO;
        read_words(name, strlen(name), &in_name);
        if (transfer->host)
                read_words(transfer->host, strlen(transfer->host), &in_place);
        if (transfer->path)
                read_words(transfer->path, strcspn(transfer->path, "?#"), &in_place);
        /* "/fota/update.zip" of SIM7080, "update.zip" of EP06: the documented name of a module's package */
        if (strcasecmp(name, "update.zip") == 0)
                return in_place.firmware || is_module_agent(transfer->user_agent) ? IMAGE_LIKELY : IMAGE_POSSIBLE;
        return guess_by_words(suffix, &in_name, &in_place, transfer->user_agent);
}
