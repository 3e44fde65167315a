#include "gate/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "gate/bpf_names.h"
#include "gate/symvers.h"
#include "gate/vermagic.h"
#include "package/member.h"
#include "stream/source.h"

struct reference {
	struct symvers *symvers;
	char *texts[CAPTURE_COUNT]; /* those that are kept as they are; config: with a newline before its first line */
	char release[128];
	unsigned helpers;
};

int reference_new(struct reference **ret, struct err *e)
{
	struct reference *r = calloc(1, sizeof(*r));

	if (!r)
		return err_no_memory(e);
	*ret = r;
	return 0;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	symvers_free(r->symvers);
	for (int i = 0; i < CAPTURE_COUNT; i++)
		free(r->texts[i]);
	free(r);
}

/* --- taking in --- */

static void take_release(struct reference *r, const char *text)
{
	static const char define[] = "#define UTS_RELEASE \"";
	const char *at = strstr(text, define);

	if (!at)
		return;
	at += strlen(define);
	size_t len = strcspn(at, "\"\n");
	if (len >= sizeof(r->release))
		return;
	memcpy(r->release, at, len);
	r->release[len] = '\0';
}

int reference_add(struct reference *r, enum capture which, const char *text, size_t len, struct err *e)
{
	bool config = which == CAPTURE_CONFIG || which == CAPTURE_AUTO_CONF;

	if (r->texts[which] || (which == CAPTURE_SYMVERS && r->symvers))
		return 0;
	if (which == CAPTURE_SYMVERS)
		return symvers_parse(text, len, &r->symvers, e);
	/* Up to the first NUL, which no text has. */
	char *copy = str_printf(e, "%s%.*s", config ? "\n" : "", (int)len, text);
	if (!copy)
		return -1;
	r->texts[which] = copy;
	if (which == CAPTURE_UTSRELEASE)
		take_release(r, copy);
	if (which == CAPTURE_BPF) {
		bpf_names_strip(copy);
		r->helpers = bpf_names_helpers(copy);
	}
	return 0;
}

static int read_all(int fd, struct buf *b, struct err *e)
{
	enum { CHUNK = 1 << 20 };

	for (;;) {
		if (b->len > CAPTURES_BYTES_MAX)
			return err_set(e, ERR_LIMIT, "captures of more than %d bytes", CAPTURES_BYTES_MAX);
		if (buf_reserve(b, CHUNK, e) < 0)
			return -1;
		ssize_t n = pread(fd, b->data + b->len, CHUNK, (off_t)b->len);
		if (n < 0 && errno != EINTR)
			return err_system(e, errno, "reading captures");
		if (n == 0)
			return 0;
		if (n > 0)
			b->len += (size_t)n;
	}
}

static int take_member(struct reference *r, struct member_reader *reader, const struct member *m, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	enum capture which = capture_find(m->path);

	if (m->kind != MEMBER_FILE || which == CAPTURE_COUNT)
		return err_set(e, ERR_HOSTILE, "captures hold '%.100s'", m->path);
	if (member_read(reader, &text, e) < 0)
		return -1;
	return reference_add(r, which, buf_text(&text), text.len, e);
}

static int read_captures(struct reference *r, int fd, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	struct member_totals totals = { 0 };
	struct member m;
	int rc;

	if (read_all(fd, &bytes, e) < 0)
		return -1;
	struct source *tar = source_from_memory(buf_text(&bytes), bytes.len, e);
	cleanup_of(member_reader) struct member_reader *reader = tar ? member_reader_new(tar, &totals, e) : NULL;
	if (!reader)
		return -1;
	while ((rc = member_next(reader, &m, e)) == 1)
		if (take_member(r, reader, &m, e) < 0)
			return -1;
	return rc;
}

int reference_read(struct reference *r, int fd, struct err *e)
{
	return read_captures(r, fd, e) < 0 ? err_wrap(e, "what the kernel's packages say") : 0;
}

/* --- asking --- */

bool reference_has_symbols(const struct reference *r)
{
	return r->symvers && symvers_count(r->symvers) > 0;
}

const struct reference_symbol *reference_symbol(const struct reference *r, const char *name)
{
	return r->symvers ? symvers_find(r->symvers, name) : NULL;
}

/* auto.conf has the same settings, texts without quotes since 5.18. */
static const char *config_text(const struct reference *r)
{
	return r->texts[CAPTURE_CONFIG] ? r->texts[CAPTURE_CONFIG] : r->texts[CAPTURE_AUTO_CONF];
}

bool reference_has_config(const struct reference *r)
{
	return config_text(r) != NULL;
}

bool reference_config(const struct reference *r, const char *option, char *ret, size_t room)
{
	const char *text = config_text(r);
	char setting[160];

	ret[0] = '\0';
	int n = snprintf(setting, sizeof(setting), "\nCONFIG_%s=", option);
	const char *value = text && n > 0 && (size_t)n < sizeof(setting) ? strstr(text, setting) : NULL;
	if (!value)
		return false;
	value += n;
	size_t len = strcspn(value, "\n");
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (len >= room)
		len = room - 1;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return true;
}

bool reference_config_on(const struct reference *r, const char *option)
{
	char value[4];

	return reference_config(r, option, value, sizeof(value)) && (strcmp(value, "y") == 0 || strcmp(value, "m") == 0);
}

bool reference_layout_is_random(const struct reference *r)
{
	return reference_config_on(r, "RANDSTRUCT") || reference_config_on(r, "GCC_PLUGIN_RANDSTRUCT");
}

const char *reference_release(const struct reference *r)
{
	return r->release;
}

bool reference_vermagic_part(const struct reference *r, const char *macro, char *ret, size_t room)
{
	const char *text = r->texts[CAPTURE_VERMAGIC];

	return text && reference_has_config(r) && vermagic_part(text, r, macro, ret, room);
}

bool reference_vermagic_names(const struct reference *r, const char *macro)
{
	const char *text = r->texts[CAPTURE_VERMAGIC];

	return text && strstr(text, macro);
}

bool reference_has_bpf(const struct reference *r)
{
	return r->texts[CAPTURE_BPF] != NULL;
}

bool reference_has_bpf_name(const struct reference *r, const char *identifier)
{
	return r->texts[CAPTURE_BPF] && bpf_names_has(r->texts[CAPTURE_BPF], identifier);
}

unsigned reference_bpf_helper_count(const struct reference *r)
{
	return r->helpers;
}
