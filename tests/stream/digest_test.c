#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stream/digest.h"

DEFINE_CLEANUP(hasher, struct hasher, hasher_free)

static char million[1000000];

/* FIPS 180-4's examples, and the empty message. */
static const struct {
	const char *text;
	const char *hex;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ NULL, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" }, /* a million times 'a' */
};

static const char *vector(size_t i, size_t *ret_len)
{
	memset(million, 'a', sizeof(million));
	*ret_len = vectors[i].text ? strlen(vectors[i].text) : sizeof(million);
	return vectors[i].text ? vectors[i].text : million;
}

Test(digest, known_vectors)
{
	cleanup_of(hasher) struct hasher *h = NULL;
	struct err e;

	h = hasher_new(&e);
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct digest whole, pieces, file;
		char hex[DIGEST_HEX + 1];
		size_t len;
		uint64_t size = 99;
		const char *text = vector(i, &len);
		cr_assert_eq(digest_of(text, len, &whole, &e), 0);
		digest_hex(&whole, hex);
		cr_expect_str_eq(hex, vectors[i].hex, "row %zu", i);
		for (size_t at = 0; at < len; at += 977)
			cr_assert_eq(hasher_update(h, text + at, len - at < 977 ? len - at : 977, &e), 0);
		/* The hasher starts anew each time. */
		cr_assert_eq(hasher_finish(h, &pieces, &e), 0);
		cr_expect(digest_equal(&whole, &pieces), "row %zu", i);
		cleanup_close int fd = memfd_create("vector", MFD_CLOEXEC);
		cr_assert_eq(write(fd, text, len), (ssize_t)len);
		cr_assert_eq(lseek(fd, (off_t)len / 2, SEEK_SET), (off_t)len / 2);
		cr_assert_eq(digest_of_fd(fd, &file, &size, &e), 0);
		cr_expect(digest_equal(&whole, &file), "row %zu", i);
		cr_expect_eq(size, len);
		cr_expect_eq(lseek(fd, 0, SEEK_CUR), (off_t)len / 2, "the position does not move");
	}
}

Test(digest, of_nothing_by_null)
{
	struct digest d;
	struct err e;
	char hex[DIGEST_HEX + 1];

	cr_assert_eq(digest_of(NULL, 0, &d, &e), 0);
	digest_hex(&d, hex);
	cr_expect_str_eq(hex, vectors[0].hex);
	cr_expect_eq(digest_of_fd(-1, &d, NULL, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
}

Test(digest, parse)
{
	static const char good[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const struct {
		const char *hex;
		int result;
	} rows[] = {
		{ good, 0 },
		{ "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", 0 },
		{ "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", -1 },
		{ "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015add", -1 },
		{ "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag", -1 },
		{ " a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", -1 },
		{ "sha256:bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest d = { { 0 } }, untouched = { { 0 } };
		struct err e = { .kind = ERR_NONE };
		char hex[DIGEST_HEX + 1];
		cr_expect_eq(digest_parse(rows[i].hex, &d, &e), rows[i].result, "row %zu", i);
		digest_hex(&d, hex);
		if (rows[i].result == 0) {
			cr_expect_str_eq(hex, good, "row %zu", i);
		} else {
			cr_expect_eq(e.kind, ERR_INPUT, "row %zu", i);
			cr_expect(digest_equal(&d, &untouched), "row %zu", i);
		}
	}
}

/* The digest over a list of fields. */
static struct digest of_fields(const char *const fields[])
{
	cleanup_of(hasher) struct hasher *h = NULL;
	struct digest d;
	struct err e;

	h = hasher_new(&e);
	for (; *fields; fields++)
		cr_assert_eq(hasher_text(h, *fields, &e), 0);
	cr_assert_eq(hasher_finish(h, &d, &e), 0);
	return d;
}

Test(digest, fields_do_not_run_together)
{
	static const char *const rows[][4] = {
		{ "ab", "c", NULL }, { "a", "bc", NULL },     { "abc", NULL }, { "", "abc", NULL },
		{ "abc", "", NULL }, { "a", "b", "c", NULL }, { NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t j = 0; j < i; j++) {
			struct digest a = of_fields(rows[i]), b = of_fields(rows[j]);
			cr_expect_not(digest_equal(&a, &b), "rows %zu and %zu", i, j);
		}
	struct digest again = of_fields(rows[0]), first = of_fields(rows[0]);
	cr_expect(digest_equal(&again, &first));
}

Test(digest, field_length_is_big_endian)
{
	struct digest fields = of_fields((const char *const[]){ "abc", NULL }), bytes;
	struct err e;

	cr_assert_eq(digest_of("\0\0\0\0\0\0\0\3abc", 11, &bytes, &e), 0);
	cr_expect(digest_equal(&fields, &bytes));
}
