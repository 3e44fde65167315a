#include "expect.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "descriptor/node.h"

void expect_refusals(const struct bad_file *files, size_t count, try_parse *parse)
{
	for (size_t i = 0; i < count; i++) {
		char path[256], wanted[ERR_MESSAGE_MAX];
		snprintf(path, sizeof(path), DATA "should-fail-%s.yaml", files[i].name);
		snprintf(wanted, sizeof(wanted), "%s:%s", files[i].name, files[i].message);
		struct err e = { 0 };
		cleanup_buf struct buf text = { 0 };
		cr_assert_eq(file_read(path, NODE_MAX_BYTES, &text, &e), 0, "%s", e.message);
		cr_expect_lt(parse(buf_text(&text), text.len, files[i].name, &e), 0, "%s is taken", path);
		cr_expect_str_eq(e.message, wanted);
		cr_expect(e.kind == ERR_INPUT || e.kind == ERR_LIMIT, "%s: %s", path, err_kind_name(e.kind));
	}
}
