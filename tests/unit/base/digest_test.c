#include "base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* FIPS 180-2, B.1 */
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void pieces_give_the_digest_of_the_whole(void **state)
{
        (void)state;
        char text[DIGEST_TEXT_SIZE];
        struct digest *digest = digest_create();
        digest_add(digest, "a", 1);
        digest_add(digest, "", 0);
        digest_add(digest, "bc", 2);
        digest_finish_text(digest, text);
        digest_destroy(digest);
        assert_string_equal(text, of_abc);
        uint8_t bytes[DIGEST_SIZE];
        digest_sha256("abc", 3, bytes);
        assert_int_equal(bytes[0], 0xba);
        assert_int_equal(bytes[31], 0xad);
}

static void a_file_is_read_to_its_end(void **state)
{
        (void)state;
        char path[] = "/tmp/digest_test.XXXXXX", text[DIGEST_TEXT_SIZE];
        int file = mkstemp(path);
        assert_true(file >= 0);
        assert_int_equal(digest_file_sha256(path, text), 0);
        assert_string_equal(text, of_nothing);
        assert_int_equal(write(file, "abc", 3), 3);
        assert_int_equal(digest_file_sha256(path, text), 0);
        assert_string_equal(text, of_abc);
        close(file);
        unlink(path);
        assert_int_equal(digest_file_sha256(path, text), -ENOENT);
        assert_string_equal(text, "");
        assert_int_equal(digest_file_sha256("/", text), -EISDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_give_the_digest_of_the_whole),
                cmocka_unit_test(a_file_is_read_to_its_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
