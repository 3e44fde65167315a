#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "stream/source.h"

DEFINE_CLEANUP(source, struct source, source_free)

Test(source, memory)
{
	struct err e;
	char bytes[8];
	cleanup_of(source) struct source *s = source_from_memory("abcde", 5, &e);
	cleanup_of(source) struct source *empty = source_from_memory(NULL, 0, &e);

	cr_assert_eq(source_read(s, bytes, 2, &e), 2);
	cr_expect_eq(memcmp(bytes, "ab", 2), 0);
	cr_expect_eq(source_read(s, bytes, 0, &e), 0, "asking for nothing is not the end");
	cr_assert_eq(source_read(s, bytes, sizeof(bytes), &e), 3);
	cr_expect_eq(memcmp(bytes, "cde", 3), 0);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(source_read(s, bytes, sizeof(bytes), &e), 0);
	cr_expect_eq(source_read(empty, bytes, sizeof(bytes), &e), 0);
	cr_expect_eq(source_drain(empty, &e), 0);
}

Test(source, exact_or_corrupt)
{
	struct err e;
	char bytes[8];
	cleanup_of(source) struct source *s = source_from_chunks("abcdefgh", 8, 3, NULL, &e);

	cr_expect_eq(source_read_exact(s, bytes, 7, &e), 0, "pieces are put together");
	cr_expect_eq(memcmp(bytes, "abcdefg", 7), 0);
	cr_expect_eq(source_read_exact(s, bytes, 0, &e), 0);
	cr_expect_eq(source_read_exact(s, bytes, 4, &e), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT);
	cr_expect_str_eq(e.message, "ends 3 bytes early");
}

Test(source, errors_stay)
{
	static const struct err lost = { .kind = ERR_TEMPORARY, .message = "connection lost" };
	struct err e = { .kind = ERR_NONE };
	char bytes[8];
	cleanup_of(source) struct source *s = source_from_chunks("ab", 2, 8, &lost, &e);

	cr_expect_eq(source_read(s, bytes, sizeof(bytes), &e), 2);
	for (int i = 0; i < 3; i++) {
		err_clear(&e);
		cr_expect_eq(source_read(s, bytes, sizeof(bytes), &e), -1);
		cr_expect_eq(e.kind, ERR_TEMPORARY);
		cr_expect_str_eq(e.message, "connection lost");
	}
	cr_expect_eq(chunks_reads_after_failure(s), 0, "what failed is not asked again");
	cr_expect_eq(source_read(s, bytes, sizeof(bytes), NULL), -1);
	err_clear(&e);
	cr_expect_eq(source_drain(s, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY);
	cr_expect_eq(source_read_exact(s, bytes, 1, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY);
}

Test(source, limit)
{
	static const struct {
		uint64_t max;
		int drained;
	} rows[] = { { 0, -1 }, { 9, -1 }, { 10, 0 }, { 11, 0 }, { UINT64_MAX, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { .kind = ERR_NONE };
		char bytes[4];
		cleanup_of(source) struct source *s =
			source_limit(source_from_chunks("0123456789", 10, 3, NULL, &e), rows[i].max, "the index", &e);
		cr_expect_eq(source_drain(s, &e), rows[i].drained, "row %zu", i);
		if (rows[i].drained == 0)
			continue;
		cr_expect_eq(e.kind, ERR_LIMIT);
		cr_expect_not_null(strstr(e.message, "the index is larger than"), "%s", e.message);
		err_clear(&e);
		cr_expect_eq(source_read(s, bytes, sizeof(bytes), &e), -1, "and it stays so");
		cr_expect_eq(e.kind, ERR_LIMIT);
	}
}

Test(source, limit_passes_the_error_from_below)
{
	static const struct err lost = { .kind = ERR_TIMEOUT, .message = "no byte in 30 s" };
	struct err e = { .kind = ERR_NONE };
	cleanup_of(source) struct source *s = source_limit(source_from_chunks("ab", 2, 8, &lost, &e), 100, "x", &e);

	cr_expect_eq(source_drain(s, &e), -1);
	cr_expect_eq(e.kind, ERR_TIMEOUT);
	cr_expect_str_eq(e.message, "no byte in 30 s");
}

Test(source, descriptors_are_closed_by_their_owner)
{
	struct err e;
	int fds[2];
	char bytes[8];

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(write(fds[1], "xyz", 3), 3);
	struct source *borrowed = source_from_fd(fds[0], false, &e);
	cr_expect_eq(source_read(borrowed, bytes, 1, &e), 1);
	source_free(borrowed);
	struct source *owned = source_limit(source_from_fd(fds[0], true, &e), 100, "x", &e);
	cr_expect_eq(source_read(owned, bytes, sizeof(bytes), &e), 2);
	source_free(owned);
	cr_expect_eq(fcntl(fds[0], F_GETFD), -1);
	close(fds[1]);
	source_free(NULL);
	cleanup_of(source) struct source *bad = source_from_fd(fds[0], false, &e);
	cr_expect_eq(source_read(bad, bytes, 1, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(e.errnum, EBADF);
}
