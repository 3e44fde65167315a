#include "fetch/host_mirror.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "fetch/url.h"

enum { APT_OUTPUT_MAX = 4 << 20, OS_RELEASE_MAX = 64 << 10 };

int host_mirror_parse(const char *text, struct strv *ret, struct err *e)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t kept = len;
		while (kept && strchr("/\r ", text[kept - 1]))
			kept--;
		cleanup_free char *url = str_printf(e, "%.*s", (int)kept, text);
		if (!url)
			return -1;
		if (url_is_fetchable(url) && !strv_has(ret, url) && strv_add(ret, url, e) < 0)
			return -1;
		text += len + (text[len] == '\n');
	}
	return 0;
}

int host_mirror_ask(struct strv *ret, struct log *log, const struct cancel *cancel, struct err *e)
{
	static const char *const argv[] = { "apt-get", "indextargets", "--format", "$(REPO_URI)", NULL };
	cleanup_buf struct buf out = { 0 };
	struct err why;

	if (process_run(argv, NULL, APT_OUTPUT_MAX, &out, cancel, &why) < 0) {
		if (cancel_check(cancel, e) < 0)
			return -1;
		log_printf(log, LOG_DEBUG, "not using this machine's own package mirror: %s", why.message);
		return 0;
	}
	return host_mirror_parse(buf_text(&out), ret, e);
}

char *os_release_id(const char *text, struct err *e)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		if (str_starts(text, "ID=")) {
			const char *start = text + 3;
			size_t n = strcspn(start, "\r\n");
			if (n && (*start == '"' || *start == '\'')) {
				const char quote[] = { *start, '\r', '\n', '\0' };
				start++;
				n = strcspn(start, quote);
			}
			return str_printf(e, "%.*s", (int)n, start);
		}
		text += len + (text[len] == '\n');
	}
	return str_dup("linux", e);
}

char *host_os_id(struct err *e)
{
	static const char *const files[] = { "/etc/os-release", "/usr/lib/os-release" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cleanup_buf struct buf text = { 0 };
		struct err ignored;
		if (file_read(files[i], OS_RELEASE_MAX, &text, &ignored) == 0)
			return os_release_id(buf_text(&text), e);
	}
	return os_release_id("", e);
}
