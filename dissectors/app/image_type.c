/* Sources: PKWARE APPNOTE 4.3.7, RFC 1952, xz file format 1.1, RFC 8878, 7zFormat.txt, ELF gABI, MCUboot image.h, AOSP
 * update_metadata and boot_img_hdr, U-Boot image.h, devicetree specification 5.2, squashfs, bsdiff 4, cpio(5), Intel HEX
 * 1988, Motorola S-record, luatos-soc-2022 fota_pub.h (Eigencomm EC618/EC718), DFU 1.1 suffix is at the end and left out.
 *
 * Not here because no public description has their magic: Quectel DFOTA packages other than zip, Sequans .dup, u-blox
 * .upd, Sierra .cwe (its type word stands at 0x104, behind a CRC that would have to be verified). */
#include "dissectors/app/image_type.h"

struct magic {
        const char *name;
        uint8_t length;
        uint8_t bytes[8];
};

static const struct magic magics[] = {
        {"zip", 4, {'P', 'K', 3, 4}},
        {"gzip", 3, {0x1f, 0x8b, 8}},
        {"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
        {"lz4", 4, {0x04, 0x22, 0x4d, 0x18}},
        {"bzip2", 3, {'B', 'Z', 'h'}},
        {"7z", 6, {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}},
        {"elf", 4, {0x7f, 'E', 'L', 'F'}},
        {"mcuboot", 4, {0x3d, 0xb8, 0xf3, 0x96}},
        {"android-ota", 4, {'C', 'r', 'A', 'U'}},
        {"android-boot", 8, {'A', 'N', 'D', 'R', 'O', 'I', 'D', '!'}},
        {"android-sparse", 4, {0x3a, 0xff, 0x26, 0xed}},
        {"uimage", 4, {0x27, 0x05, 0x19, 0x56}},
        {"device-tree", 4, {0xd0, 0x0d, 0xfe, 0xed}},
        {"squashfs", 4, {'h', 's', 'q', 's'}},
        {"ubi", 4, {'U', 'B', 'I', '#'}},
        {"bsdiff", 8, {'B', 'S', 'D', 'I', 'F', 'F', '4', '0'}},
        {"bsdiff", 8, {'E', 'N', 'D', 'S', 'L', 'E', 'Y', '/'}},
        {"cpio", 6, {'0', '7', '0', '7', '0', '1'}},
        {"cpio", 6, {'0', '7', '0', '7', '0', '2'}},
        {"cabinet", 8, {'M', 'S', 'C', 'F', 0, 0, 0, 0}},
};

static int hex_digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `count` bytes as pairs of hex digits, added up; -1 when a digit is none. */
static int hex_sum(struct cursor *at, unsigned count)
{
        unsigned sum = 0;
        for (unsigned i = 0; i < count; i++) {
                int high = hex_digit(cursor_u8(at)), low = hex_digit(cursor_u8(at));
                if (high < 0 || low < 0 || at->short_read)
                        return -1;
                sum += (unsigned)(high << 4 | low);
        }
        return (int)(sum & 0xff);
}

/* :LLAAAATT data CC, all bytes of a record add up to zero. */
static bool is_intel_hex(struct cursor at)
{
        if (cursor_u8(&at) != ':')
                return false;
        struct cursor head = at;
        int length = hex_sum(&head, 1);
        return length >= 0 && hex_sum(&at, (unsigned)length + 5) == 0;
}

/* S0LL AAAA data CC, the bytes behind the type add up to 0xff. */
static bool is_srecord(struct cursor at)
{
        if (!cursor_begins(&at, "S0"))
                return false;
        cursor_skip(&at, 2);
        struct cursor head = at;
        int length = hex_sum(&head, 1);
        return length >= 3 && hex_sum(&at, (unsigned)length + 1) == 0xff;
}

/* Eigencomm's delta: EC DF, 6 reserved, length of the archive (little endian), hash. In front of it there may be an
 * authentication header of 76 bytes, EC AE. */
static bool is_eigencomm_delta(struct cursor at, uint64_t size)
{
        if (at.at[1] == 0xae) {
                cursor_skip(&at, 76);
                size = size > 76 ? size - 76 : 0;
        }
        uint16_t magic = cursor_be16(&at);
        cursor_skip(&at, 6);
        uint32_t length = cursor_le32(&at);
        if (at.short_read || magic != 0xecdf || length == 0)
                return false;
        return size == 0 || length == size || length + UINT64_C(48) == size;
}

const char *image_type(struct cursor bytes, uint64_t size)
{
        size_t left = cursor_left(&bytes);
        for (unsigned i = 0; i < sizeof magics / sizeof magics[0]; i++)
                if (left >= magics[i].length && bytes.at[0] == magics[i].bytes[0] &&
                    memcmp(bytes.at, magics[i].bytes, magics[i].length) == 0)
                        return magics[i].name;
        switch (cursor_peek(&bytes)) {
        case ':':
                return is_intel_hex(bytes) ? "intel-hex" : NULL;
        case 'S':
                return is_srecord(bytes) ? "s-record" : NULL;
        case 0xec:
                return left > 1 && is_eigencomm_delta(bytes, size) ? "eigencomm-delta" : NULL;
        default:
                return NULL;
        }
}
