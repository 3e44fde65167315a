#include "package/facts.h"

#include <fnmatch.h>
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

/* What is known while packages are read. */
struct reading {
	struct facts facts;
	const char *places;		 /* as facts_collect has them */
	bool prepared;			 /* the build directory holds sources, and places names configurations */
	char build_dir[MEMBER_PATH_MAX]; /* the one that was found */
	size_t config_place;		 /* which of the places the configuration was read from; 0: none yet */
	char config_path[MEMBER_PATH_MAX];
	char source_version[64], local_version[64];
};

struct config_reading {
	struct facts *facts;
	struct reading *reading;
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
	else if (IS("LOCALVERSION"))
		copy_value(value, len, c->reading->local_version, sizeof(c->reading->local_version));
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
static void read_config(const char *text, struct reading *r)
{
	/* kconfig's `mainmenu`, in the comment that every configuration begins with. */
	static const char title[] = "# Linux/";
	const char *arch = str_starts(text, title) ? text : strstr(text, "\n# Linux/");
	struct facts *f = &r->facts;
	struct config_reading c = { .facts = f, .reading = r };

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
static void read_auto_conf(const char *text, struct reading *r)
{
	if (!r->facts.cc_text[0] && !r->facts.gcc && !r->facts.clang)
		read_config(text, r);
}

static void read_kernel_release(const char *text, struct reading *r)
{
	struct facts *f = &r->facts;

	if (!f->release[0])
		copy_value(text, strcspn(text, "\n"), f->release, sizeof(f->release));
}

static void read_utsrelease(const char *text, struct reading *r)
{
	struct facts *f = &r->facts;
	const char *define = strstr(text, "#define UTS_RELEASE ");

	/* It goes into vermagic, so it is what a kernel calls itself; some packages have another word in kernel.release. */
	if (define) {
		define += strlen("#define UTS_RELEASE ");
		copy_value(define, strcspn(define, "\n"), f->release, sizeof(f->release));
	}
}

static void read_symvers(const char *text, struct reading *r)
{
	(void)text;
	r->facts.symvers = true;
}

/* The value of a line `NAME = value`. */
static void copy_variable(const char *text, const char *name, char *ret, size_t room)
{
	size_t name_len = strlen(name);

	*ret = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *value = line + name_len;
		if (strncmp(line, name, name_len) != 0)
			continue;
		value += strspn(value, " \t");
		if (*value++ != '=')
			continue;
		value += strspn(value, " \t");
		copy_value(value, strcspn(value, " \t\r\n"), ret, room);
		return;
	}
}

/* The top Makefile of a kernel's sources begins with its version in four variables. */
static void read_makefile(const char *text, struct reading *r)
{
	char version[16], patch_level[16], sub_level[16], extra[16];

	copy_variable(text, "VERSION", version, sizeof(version));
	copy_variable(text, "PATCHLEVEL", patch_level, sizeof(patch_level));
	copy_variable(text, "SUBLEVEL", sub_level, sizeof(sub_level));
	copy_variable(text, "EXTRAVERSION", extra, sizeof(extra));
	if (*version && *patch_level)
		snprintf(r->source_version, sizeof(r->source_version), "%s.%s%s%s%s", version, patch_level, *sub_level ? "." : "",
			 sub_level, extra);
}

enum { IN_BUILD = 1, IN_SOURCES = 2, BESIDE_CONFIG = 4 };

static const struct text_file {
	const char *path;
	void (*read)(const char *text, struct reading *r);
	unsigned where;
	bool large; /* that it is there is enough */
} texts[] = {
	{ ".config", read_config, IN_BUILD, false },
	{ "include/config/auto.conf", read_auto_conf, IN_BUILD, false },
	{ "include/config/kernel.release", read_kernel_release, IN_BUILD | BESIDE_CONFIG, false },
	{ "include/generated/utsrelease.h", read_utsrelease, IN_BUILD | BESIDE_CONFIG, false },
	{ "Module.symvers", read_symvers, IN_BUILD | IN_SOURCES | BESIDE_CONFIG, true },
	{ "Makefile", read_makefile, IN_SOURCES, false },
};

static int take_text(struct member_reader *m_reader, const struct member *m, const struct text_file *file, struct reading *r,
		     struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	if (file->large) {
		file->read("", r);
		return 0;
	}
	if (m->size > TEXT_FILE_MAX)
		return err_set(e, ERR_LIMIT, "'%.200s' is larger than %d bytes", m->path, TEXT_FILE_MAX);
	if (member_read(m_reader, &text, e) < 0)
		return -1;
	file->read(buf_text(&text), r);
	return 0;
}

/* --- where things stand --- */

/* Whether the path is that file of a directory: *ret_dir gets the directory, "" for the tree itself. */
static bool ends_in(const char *path, const char *file, char ret_dir[MEMBER_PATH_MAX])
{
	size_t len = strlen(path), file_len = strlen(file);

	if (len < file_len || strcmp(path + len - file_len, file) != 0)
		return false;
	size_t dir_len = len - file_len;
	if (dir_len && path[dir_len - 1] != '/')
		return false;
	snprintf(ret_dir, MEMBER_PATH_MAX, "%.*s", dir_len ? (int)dir_len - 1 : 0, path);
	return true;
}

/* Place number n, 0 the first. False: there are not so many, or it does not fit. */
static bool place_at(const char *places, size_t n, char ret[MEMBER_PATH_MAX])
{
	for (; n; n--) {
		places = strchr(places, '\n');
		if (!places++)
			return false;
	}
	size_t len = strcspn(places, "\n");
	if (len >= MEMBER_PATH_MAX)
		return false;
	memcpy(ret, places, len);
	ret[len] = '\0';
	return true;
}

static bool is_build_dir(const struct reading *r, const char *dir)
{
	char place[MEMBER_PATH_MAX];

	return place_at(r->places, 0, place) && fnmatch(place, *dir ? dir : ".", FNM_PATHNAME) == 0;
}

/* 1 dir is the build directory, 0 it is not, -1 it is a second one. */
static int match_build_dir(struct reading *r, const char *dir, struct err *e)
{
	const char *found = *dir ? dir : ".";

	if (!is_build_dir(r, dir))
		return 0;
	if (r->build_dir[0] && strcmp(r->build_dir, found) != 0)
		return err_set(e, ERR_INPUT, "holds two kernels, '%.200s' and '%.200s'", r->build_dir, found);
	snprintf(r->build_dir, sizeof(r->build_dir), "%s", found);
	return 1;
}

/* The number of the place that names this configuration; 0: none does. */
static size_t match_config(const struct reading *r, const char *path)
{
	char place[MEMBER_PATH_MAX];

	for (size_t n = 1; place_at(r->places, n, place); n++)
		if (fnmatch(place, path, FNM_PATHNAME) == 0)
			return n;
	return 0;
}

static int take_config(struct member_reader *m_reader, const struct member *m, size_t place, struct reading *r, struct err *e)
{
	struct facts *f = &r->facts;

	if (r->config_place && r->config_place < place)
		return 0;
	if (r->config_place == place && strcmp(r->config_path, m->path) != 0)
		return err_set(e, ERR_INPUT, "holds two configurations, '%.200s' and '%.200s'", r->config_path, m->path);
	r->config_place = place;
	snprintf(r->config_path, sizeof(r->config_path), "%s", m->path);
	f->cc_text[0] = f->arch[0] = f->signature_hash[0] = r->local_version[0] = '\0';
	f->btf = f->modversions = f->module_signature = false;
	return take_text(m_reader, m, &texts[0], r, e);
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

/* Of a tree that is to be prepared nothing that was built before is run. */
static int take_source_member(struct member_reader *m_reader, const struct member *m, struct reading *r, struct err *e)
{
	char dir[MEMBER_PATH_MAX], beside[MEMBER_PATH_MAX + sizeof("/.config")];

	size_t place = match_config(r, m->path);
	if (place)
		return take_config(m_reader, m, place, r, e);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!(texts[i].where & (IN_SOURCES | BESIDE_CONFIG)) || !ends_in(m->path, texts[i].path, dir))
			continue;
		snprintf(beside, sizeof(beside), "%s/.config", dir);
		if ((texts[i].where & BESIDE_CONFIG) && match_config(r, beside))
			return take_text(m_reader, m, &texts[i], r, e);
		if (texts[i].where & IN_SOURCES) {
			int here = match_build_dir(r, dir, e);
			return here <= 0 ? here : take_text(m_reader, m, &texts[i], r, e);
		}
	}
	return 0;
}

static int take_built_member(struct member_reader *m_reader, const struct member *m, struct reading *r, struct err *e)
{
	char dir[MEMBER_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!(texts[i].where & IN_BUILD) || !ends_in(m->path, texts[i].path, dir))
			continue;
		int here = match_build_dir(r, dir, e);
		if (here)
			return here < 0 ? -1 : take_text(m_reader, m, &texts[i], r, e);
	}
	if (m->executable && m->size > 0 && m->size <= HOST_TOOL_MAX)
		return take_host_tool(m_reader, m, &r->facts, e);
	return 0;
}

static int collect_package(struct source *package, const struct package_format *format, unsigned threads,
			   struct member_totals *totals, struct reading *r, struct err *e)
{
	struct member m;
	int rc;

	struct source *archive = package_open(format, package, threads, e);
	cleanup_of(member_reader) struct member_reader *m_reader = archive ? member_reader_new(archive, totals, e) : NULL;
	if (!m_reader)
		return -1;
	while ((rc = member_next(m_reader, &m, e)) == 1)
		if (m.kind == MEMBER_FILE &&
		    (r->prepared ? take_source_member(m_reader, &m, r, e) : take_built_member(m_reader, &m, r, e)) < 0)
			return -1;
	return rc;
}

static void settle_release(struct reading *r)
{
	struct facts *f = &r->facts;

	if (!r->prepared || f->release[0] || !r->source_version[0])
		return;
	snprintf(f->release, sizeof(f->release), "%s%s", r->source_version, r->local_version);
	f->from_sources = true;
}

int facts_collect(struct source *const packages[], const char *const names[], size_t count, const struct package_format *format,
		  unsigned threads, const char *places, struct facts *ret, struct err *e)
{
	struct member_totals totals = { 0 };
	struct reading reading = { .places = places, .prepared = strchr(places, '\n') != NULL };
	size_t i = 0;
	int rc = 0;

	for (; !rc && i < count; i++)
		if (collect_package(packages[i], format, threads, &totals, &reading, e) < 0)
			rc = err_wrap(e, "package '%s'", names[i]);
	for (; i < count; i++)
		source_free(packages[i]);
	if (rc)
		return rc;
	settle_release(&reading);
	*ret = reading.facts;
	return 0;
}
