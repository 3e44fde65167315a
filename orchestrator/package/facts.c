#include "package/facts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "package/format.h"
#include "package/member.h"
#include "package/needs.h"
#include "stream/source.h"

enum {
	TEXT_FILE_MAX = 4 << 20,
	HOST_TOOL_MAX = 64 << 20,
};

/* The text of a line up to its end, without the quotes around it; what does not fit or is not printable is cut off. */
static void copy_value(const char *value, size_t len, char *ret, size_t room)
{
	size_t n = 0;

	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	while (n < len && n + 1 < room && (unsigned char)value[n] >= 0x20 && (unsigned char)value[n] < 0x7f) {
		ret[n] = value[n];
		n++;
	}
	ret[n] = '\0';
}

/* CONFIG_GCC_VERSION and its like: 10000 * major + 100 * minor + patch. */
static int version_major(const char *value, size_t len)
{
	char digits[16];

	copy_value(value, len, digits, sizeof(digits));
	long version = strtol(digits, NULL, 10);
	return version > 0 && version < 10000000 ? (int)(version / 10000) : 0;
}

struct config_reading {
	struct facts *facts;
	int gcc, clang;
};

static void take_setting(struct config_reading *c, const char *name, size_t name_len, const char *value, size_t len)
{
	struct facts *f = c->facts;
	bool yes = len == 1 && *value == 'y';
#define IS(text) (name_len == strlen(text) && memcmp(name, text, name_len) == 0)
	if (IS("CC_VERSION_TEXT"))
		copy_value(value, len, f->cc_text, sizeof(f->cc_text));
	else if (IS("GCC_VERSION"))
		c->gcc = version_major(value, len);
	else if (IS("CLANG_VERSION"))
		c->clang = version_major(value, len);
	else if (IS("DEBUG_INFO_BTF_MODULES"))
		f->btf = yes;
	else if (IS("MODVERSIONS"))
		f->modversions = yes;
	else if (IS("MODULE_SIG_FORCE"))
		f->module_signature = yes;
	else if (IS("MODULE_SIG_HASH"))
		copy_value(value, len, f->signature_hash, sizeof(f->signature_hash));
#undef IS
}

/* Kernels before 4.18 do not say it in numbers: the first word like `8.5.0` that stands in no brackets. */
static int text_major(const char *text)
{
	int brackets = 0;

	for (const char *p = text; *p; p++) {
		brackets += (*p == '(') - (*p == ')');
		if (brackets == 0 && (p == text || p[-1] == ' ') && *p >= '1' && *p <= '9') {
			char *end;
			long major = strtol(p, &end, 10);
			if (*end == '.' && major < 1000)
				return (int)major;
		}
	}
	return 0;
}

/* kconfig's own output format: `CONFIG_NAME=value` lines. */
static void read_config(const char *text, struct facts *f)
{
	/* kconfig's `mainmenu`, in the comment that every configuration begins with. */
	static const char title[] = "# Linux/";
	const char *arch = str_starts(text, title) ? text : strstr(text, "\n# Linux/");
	struct config_reading c = { .facts = f };

	if (arch) {
		arch = strchr(arch, '/') + 1;
		copy_value(arch, strcspn(arch, " \n"), f->arch, sizeof(f->arch));
	}

	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		const char *equals = memchr(line, '=', (size_t)(end - line));
		if (equals && strncmp(line, "CONFIG_", 7) == 0 && equals > line + 7)
			take_setting(&c, line + 7, (size_t)(equals - line - 7), equals + 1, (size_t)(end - equals - 1));
	}
	f->gcc = c.gcc;
	f->clang = c.clang;
	if (!f->gcc && !f->clang)
		*(strstr(f->cc_text, "clang") ? &f->clang : &f->gcc) = text_major(f->cc_text);
}

/* The same lines, texts without quotes since 5.18. The packages that a kernel's own makefiles make (`make binrpm-pkg`) may have no
 * .config, but nothing can be built without this one. */
static void read_auto_conf(const char *text, struct facts *f)
{
	if (!f->cc_text[0] && !f->gcc && !f->clang)
		read_config(text, f);
}

static void read_kernel_release(const char *text, struct facts *f)
{
	if (!f->release[0])
		copy_value(text, strcspn(text, "\n"), f->release, sizeof(f->release));
}

static void read_utsrelease(const char *text, struct facts *f)
{
	const char *define = strstr(text, "#define UTS_RELEASE ");

	/* It goes into vermagic, so it is what a kernel calls itself; some packages have another word in kernel.release. */
	if (define) {
		define += strlen("#define UTS_RELEASE ");
		copy_value(define, strcspn(define, "\n"), f->release, sizeof(f->release));
	}
}

static const struct {
	const char *path; /* below the build directory */
	void (*read)(const char *text, struct facts *f);
} texts[] = {
	{ ".config", read_config },
	{ "include/config/auto.conf", read_auto_conf },
	{ "include/config/kernel.release", read_kernel_release },
	{ "include/generated/utsrelease.h", read_utsrelease },
};

static int take_text(struct member_reader *r, const struct member *m, void (*read)(const char *, struct facts *), struct facts *f,
		     struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (m->size > TEXT_FILE_MAX)
		return err_set(e, ERR_LIMIT, "'%.200s' is larger than %d bytes", m->path, TEXT_FILE_MAX);
	if (member_read(r, &text, e) < 0)
		return -1;
	read(buf_text(&text), f);
	return 0;
}

static int take_host_tool(struct member_reader *r, const struct member *m, struct facts *f, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	char needed[sizeof(f->glibc)];
	const void *piece;
	size_t len;

	int rc = member_data(r, &piece, &len, e);
	if (rc <= 0)
		return rc;
	if (len < 4 || memcmp(piece, "\177ELF", 4) != 0)
		return 0;
	if (buf_reserve(&bytes, m->size, e) < 0 || buf_append(&bytes, piece, len, e) < 0 || member_read(r, &bytes, e) < 0)
		return -1;
	if (needs_glibc(bytes.data, bytes.len, needed, sizeof(needed)) && (!f->glibc[0] || strverscmp(needed, f->glibc) > 0)) {
		snprintf(f->glibc, sizeof(f->glibc), "%s", needed);
		snprintf(f->glibc_user, sizeof(f->glibc_user), "%.*s", (int)sizeof(f->glibc_user) - 1, m->path);
	}
	return 0;
}

static int take_member(struct member_reader *r, const struct member *m, const char *build_dir, struct facts *f, struct err *e)
{
	size_t dir_len = strlen(build_dir);

	if (m->kind != MEMBER_FILE)
		return 0;
	if (strncmp(m->path, build_dir, dir_len) == 0 && m->path[dir_len] == '/')
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			if (strcmp(m->path + dir_len + 1, texts[i].path) == 0)
				return take_text(r, m, texts[i].read, f, e);
	if (m->executable && m->size > 0 && m->size <= HOST_TOOL_MAX)
		return take_host_tool(r, m, f, e);
	return 0;
}

static int collect_package(struct source *package, const struct package_format *format, unsigned threads, const char *build_dir,
			   struct member_totals *totals, struct facts *f, struct err *e)
{
	struct member m;
	int rc;

	struct source *archive = package_open(format, package, threads, e);
	cleanup_of(member_reader) struct member_reader *r = archive ? member_reader_new(archive, totals, e) : NULL;
	if (!r)
		return -1;
	while ((rc = member_next(r, &m, e)) == 1)
		if (take_member(r, &m, build_dir, f, e) < 0)
			return -1;
	return rc;
}

int facts_collect(struct source *const packages[], const char *const names[], size_t count, const struct package_format *format,
		  unsigned threads, const char *build_dir, struct facts *ret, struct err *e)
{
	struct member_totals totals = { 0 };
	struct facts facts = { 0 };
	size_t i = 0;
	int rc = 0;

	for (; !rc && i < count; i++)
		if (collect_package(packages[i], format, threads, build_dir, &totals, &facts, e) < 0)
			rc = err_wrap(e, "package '%s'", names[i]);
	for (; i < count; i++)
		source_free(packages[i]);
	if (!rc)
		*ret = facts;
	return rc;
}

char *facts_encode(const struct facts *f, struct err *e)
{
	json_t *object = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:b, s:s, s:s}", "release", f->release, "cc_text",
				   f->cc_text, "gcc", f->gcc, "clang", f->clang, "glibc", f->glibc, "glibc_user", f->glibc_user,
				   "btf", f->btf, "modversions", f->modversions, "module_signature", f->module_signature,
				   "signature_hash", f->signature_hash, "arch", f->arch);
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!text)
		err_no_memory(e);
	return text;
}

static int fit(const char *text, char *ret, size_t room, struct err *e)
{
	int n = snprintf(ret, room, "%s", text);

	return n >= 0 && (size_t)n < room ? 0 : err_set(e, ERR_PROTOCOL, "facts: '%.40s...' is too long", text);
}

int facts_decode(const char *json, struct facts *ret, struct err *e)
{
	const char *release, *cc_text, *glibc, *glibc_user, *signature_hash, *arch;
	int btf, modversions, module_signature;
	struct facts f = { 0 };
	json_error_t je;

	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &je);
	if (!object)
		return err_set(e, ERR_PROTOCOL, "facts: %s", je.text);
	int rc = json_unpack_ex(object, &je, JSON_STRICT, "{s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:b, s:s, s:s}", "release",
				&release, "cc_text", &cc_text, "gcc", &f.gcc, "clang", &f.clang, "glibc", &glibc, "glibc_user",
				&glibc_user, "btf", &btf, "modversions", &modversions, "module_signature", &module_signature,
				"signature_hash", &signature_hash, "arch", &arch);
	if (rc < 0)
		err_set(e, ERR_PROTOCOL, "facts: %s", je.text);
	else
		rc = fit(release, f.release, sizeof(f.release), e) || fit(cc_text, f.cc_text, sizeof(f.cc_text), e) ||
				     fit(glibc, f.glibc, sizeof(f.glibc), e) ||
				     fit(glibc_user, f.glibc_user, sizeof(f.glibc_user), e) ||
				     fit(signature_hash, f.signature_hash, sizeof(f.signature_hash), e) ||
				     fit(arch, f.arch, sizeof(f.arch), e)
			     ? -1
			     : 0;
	json_decref(object);
	if (rc < 0)
		return -1;
	f.btf = btf;
	f.modversions = modversions;
	f.module_signature = module_signature;
	*ret = f;
	return 0;
}
