#include "judge/update_image.h"

#include "tests/unit/test.h"

struct row {
        const char *host, *path, *file_name, *type, *agent, *image;
        enum image_guess guess;
};

static void expect(const struct row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
                transfer.protocol = (char *)"HTTP";
                transfer.host = (char *)rows[i].host;
                transfer.path = (char *)rows[i].path;
                transfer.file_name = (char *)rows[i].file_name;
                transfer.content_type = (char *)rows[i].type;
                transfer.user_agent = (char *)rows[i].agent;
                transfer.image = (char *)rows[i].image;
                enum image_guess guess = update_image_guess(&transfer);
                if (guess != rows[i].guess)
                        print_error("%s%s: %d\n", rows[i].host ? rows[i].host : "", rows[i].path ? rows[i].path : "",
                                    (int)guess);
                assert_int_equal(guess, rows[i].guess);
        }
}

static void what_devices_fetch_as_firmware_is_an_image(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {.path = "/images/router-firmware-2.4.1.bin", .guess = IMAGE_LIKELY},
                {.path = "/meters/mfw-7.12.bin", .guess = IMAGE_LIKELY},
                {.path = "/mfw_nrf9160_update_from_1.3.1_to_1.3.2.bin", .guess = IMAGE_LIKELY},
                {.path = "/fota/update.zip", .guess = IMAGE_LIKELY},
                {.path = "/x/update.zip", .guess = IMAGE_POSSIBLE},
                {.path = "/GP02RBAQ-DM_LR8.2.0.3-60186_to_LR8.2.1.0-61488_Bootrom.dup", .guess = IMAGE_LIKELY},
                {.path = "/a/fbf_dfota.bin", .guess = IMAGE_LIKELY},
                {.path = "/dl/1234", .image = "mcuboot", .guess = IMAGE_LIKELY},
                {.path = "/dl/payload.bin", .image = "android-ota", .guess = IMAGE_LIKELY},
                {.path = "/get?id=5", .file_name = "gateway_v2.3.swu", .guess = IMAGE_LIKELY},
                {.path = "/package.raucb", .guess = IMAGE_LIKELY},
                {.path = "/obj", .type = "application/x-firmware", .guess = IMAGE_LIKELY},
                {.host = "fota.maker.example", .path = "/meter-2.1.zip", .guess = IMAGE_LIKELY},
                {.path = "/fw/meter_app_v2.bin", .guess = IMAGE_LIKELY},
                {.path = "/meter-1.2.3.bin", .guess = IMAGE_POSSIBLE},
                {.path = "/d/delta.bin", .guess = IMAGE_POSSIBLE},
                {.path = "/EC200ACNHAR01A02M16.bin", .guess = IMAGE_POSSIBLE},
                {.path = "/esp/sensor.bin", .agent = "ESP8266-http-Update", .guess = IMAGE_POSSIBLE},
                {.path = "/fwUpdate.pkg?imei=1", .guess = IMAGE_LIKELY},
        };
        expect(rows, sizeof rows / sizeof *rows);
}

static void what_computers_fetch_all_day_is_none(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {.path = "/live/segment-00042.mp4", .type = "video/mp4", .image = "mp4"},
                {.path = "/14/8800/5373.png", .type = "image/png"},
                {.path = "/fota/latest.json", .type = "application/json"},
                {.path = "/firmware/index.html"},
                {.path = "/pub/photos.zip", .image = "zip"},
                {.path = "/v2/log.gz", .image = "gzip"},
                {.path = "/data.bin"},
                {.path = "/maps/tile.dat"},
                {.path = "/v2/pictures", .type = "application/octet-stream"},
                {.host = "update.microsoft.example", .path = "/windows/update-kb5001330-x64.cab", .image = "cabinet"},
                {.host = "au.download.windowsupdate.example",
                 .path = "/c/msdownload/update/software/secu/2021/am_delta_1.1.exe"},
                {.host = "updates.antivirus.example", .path = "/daily-26000.cdiff"},
                {.host = "deb.debian.example",
                 .path = "/debian/pool/main/f/firmware-nonfree/firmware-iwlwifi_20210315-3_all.deb"},
                {.path = "/"},
                {.path = NULL},
                {.path = "/app/main.js"},
                {.path = "/software/setup-2.0.zip", .image = "zip"},
                {.path = "/cache/5f3a9c77d0.bin"},
                {.path = "/photos.zip?fw=2.1&ota=1"},
        };
        expect(rows, sizeof rows / sizeof *rows);
}

static void the_objects_name_is_its_own_before_the_paths(void **state)
{
        (void)state;
        char name[32];
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        transfer.path = (char *)"/a/b.bin?x=/c.zip";
        assert_string_equal(update_image_name(&transfer, name, sizeof name), "b.bin");
        transfer.file_name = (char *)"own.swu";
        assert_string_equal(update_image_name(&transfer, name, sizeof name), "own.swu");
        assert_string_equal(update_image_name(&transfer, name, 4), "own");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_devices_fetch_as_firmware_is_an_image),
                cmocka_unit_test(what_computers_fetch_all_day_is_none),
                cmocka_unit_test(the_objects_name_is_its_own_before_the_paths),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
