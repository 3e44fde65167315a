#include "toolchain/bootstrap.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fetch/mirror.h"
#include "toolchain/program.h"

extern char **environ;

/* Compression takes as long as mmdebstrap at higher levels, for an archive that is loaded once and removed. */
enum { LAYER_LEVEL = 1 };

/* What is no part of a compiler, or differs between two runs with the same packages. */
static const char *const dropped[] = {
	"dev/*",
	"run/*",
	"tmp/*",
	"etc/apt/*",
	"etc/hostname",
	"etc/resolv.conf",
	"etc/machine-id",
	"etc/*-",
	"etc/.pwd.lock",
	"var/cache/*",
	"var/log/*",
	"var/lib/apt/*",
	"var/lib/dpkg/*-old",
	"var/lib/dpkg/lock*",
	"var/lib/dbus/machine-id",
	"var/lib/systemd/*",
	"usr/share/doc/*",
	"usr/share/info/*",
	"usr/share/man/*",
	"usr/share/locale/*",
	"usr/share/lintian/*",
	"usr/share/bug/*",
	"*/__pycache__",
	NULL,
};
static const char *const kept[] = { "usr/share/doc/*/copyright", NULL };
static const struct layer_rules rules = { .drop = dropped, .keep = kept };

/* Its own progress says nothing about why it failed; all else may. */
static bool forward_line(void *context, const char *line)
{
	const struct toolchain_options *options = context;
	const char *text = line;

	if (str_starts(line, "I: "))
		text = line + 3;
	log_printf(options->log, str_starts(line, "W: ") || str_starts(line, "E: ") ? LOG_WARNING : LOG_DEBUG, "mmdebstrap: %s",
		   text);
	/* Its stages end in dots; lines that name directories are of no use to anybody. */
	if (options->progress && text != line && str_ends(text, "...") && !strchr(text, '/'))
		options->progress(options->context, text);
	return text == line;
}

static int join(const struct strv *words, struct buf *ret, struct err *e)
{
	for (size_t i = 0; i < words->len; i++)
		if (buf_printf(ret, e, "%s%s", i ? "," : "", words->items[i]) < 0)
			return -1;
	return 0;
}

static int add_all(struct strv *to, const char *const words[], struct err *e)
{
	for (; *words; words++)
		if (strv_add(to, *words, e) < 0)
			return -1;
	return 0;
}

static int make_argv(const struct recipe *recipe, const char *mirror, struct strv *argv, struct err *e)
{
	/* Dies with us, also when we are killed. */
	static const char *const bound[] = { "setpriv", "--pdeathsig", "KILL", "--", NULL };
	/* With privileges mmdebstrap mounts things for the packages' scripts, and doesn't unmount them when it is killed. In
	 * namespaces of its own they go with its last process, and so does every process that it started. */
	static const char *const unshare[] = { "unshare", "--mount",	  "--propagation", "private", "--pid",
					       "--fork",  "--kill-child", "--mount-proc",  "--",      NULL };
	static const char *const fixed[] = { "mmdebstrap", "--variant=essential", "--format=tar", "--aptopt=Acquire::Retries \"3\"",
					     NULL };
	const struct recipe_bootstrap *b = &recipe->bootstrap;
	cleanup_buf struct buf packages = { 0 }, components = { 0 };

	if (join(&b->packages, &packages, e) < 0 || join(&b->components, &components, e) < 0)
		return -1;
	if (add_all(argv, bound, e) < 0 || (geteuid() == 0 && add_all(argv, unshare, e) < 0) || add_all(argv, fixed, e) < 0)
		return -1;
	if (strv_take(argv, str_printf(e, "--architectures=%s", recipe->arch->name), e) < 0 ||
	    strv_take(argv, str_printf(e, "--include=%s", buf_text(&packages)), e) < 0 ||
	    strv_take(argv, str_printf(e, "--components=%s", buf_text(&components)), e) < 0)
		return -1;
	if (b->accept_expired_release && strv_add(argv, "--aptopt=Acquire::Check-Valid-Until \"false\"", e) < 0)
		return -1;
	if (b->keyring && strv_take(argv, str_printf(e, "--keyring=%s", b->keyring), e) < 0)
		return -1;
	const char *const rest[] = { b->suite, "-", mirror, NULL };
	return add_all(argv, rest, e);
}

/* Our environment, but for what would make two runs differ. */
static int make_environment(const char *work, struct strv *envp, struct err *e)
{
	static const char *const replaced[] = { "SOURCE_DATE_EPOCH=", "LC_ALL=", "LANGUAGE=", "TMPDIR=", "TZ=" };

	for (char **v = environ; *v; v++) {
		bool keep = true;
		for (size_t i = 0; i < ARRAY_LEN(replaced) && keep; i++)
			keep = !str_starts(*v, replaced[i]);
		if (keep && strv_add(envp, *v, e) < 0)
			return -1;
	}
	static const char *const ours[] = { "SOURCE_DATE_EPOCH=0", "LC_ALL=C.UTF-8", "TZ=UTC", NULL };
	if (add_all(envp, ours, e) < 0)
		return -1;
	return strv_take(envp, str_printf(e, "TMPDIR=%s", work), e);
}

static int run(const struct recipe *recipe, const struct toolchain_options *options, const char *mirror, const char *work,
	       const char *dir, struct layer *ret, struct err *e)
{
	cleanup_strv struct strv argv = { 0 }, envp = { 0 };
	struct err end;

	if (make_argv(recipe, mirror, &argv, e) < 0 || make_environment(work, &envp, e) < 0)
		return -1;
	const struct program_options program = { .argv = (const char *const *)argv.items,
						 .envp = (const char *const *)envp.items,
						 .name = "mmdebstrap",
						 .line = forward_line,
						 .context = (void *)options,
						 .cancel = options->cancel };
	cleanup_free char *created_by = str_printf(e, "mmdebstrap %s", recipe->bootstrap.suite);
	cleanup_of(program) struct program *p = created_by ? program_start(&program, e) : NULL;
	if (!p)
		return -1;
	cleanup_layer struct layer made = { 0 };
	int result = layer_from_tar(program_output(p), &rules, dir, 0, LAYER_LEVEL, created_by, &made, e);
	if (result < 0 && e->kind != ERR_CORRUPT)
		return -1;
	/* Where its output is damaged, its own reason comes first. */
	if (program_finish(p, &end) < 0) {
		if (result == 0)
			unlink(made.path);
		*e = end;
		return -1;
	}
	if (result < 0)
		return -1;
	*ret = made;
	made = (struct layer){ 0 };
	return 0;
}

/* Gives mmdebstrap a directory to unpack in that is gone afterwards, whatever happened. Open to read, as apt's download user looks
 * into it. */
static int run_in(const struct recipe *recipe, const struct toolchain_options *options, const char *mirror, const char *dir,
		  struct layer *ret, struct err *e)
{
	struct err cleaning;

	/* mmdebstrap changes its directory, so its TMPDIR has to be absolute. */
	cleanup_free char *absolute = realpath(dir, NULL);
	cleanup_free char *work = absolute ? path_join(absolute, "root", e) : NULL;
	if (!work || mkdir(work, 0755) < 0)
		return err_system(e, errno, "creating a directory in '%s'", dir);
	int result = run(recipe, options, mirror, work, dir, ret, e);
	if (path_remove(work, &cleaning) < 0)
		log_printf(options->log, LOG_WARNING, "%s", cleaning.message);
	return result;
}

/* Base URLs without a trailing slash, best first. */
static int find_mirrors(const struct recipe *recipe, const struct toolchain_options *options, struct strv *ret, struct err *e)
{
	const struct recipe_bootstrap *b = &recipe->bootstrap;

	for (size_t i = 0; i < b->urls.len; i++) {
		if (!options->mirrors) {
			if (strv_add(ret, b->urls.items[i], e) < 0)
				return -1;
			continue;
		}
		cleanup_strv struct strv found = { 0 };
		cleanup_free char *below = str_printf(e, "%s/", b->urls.items[i]);
		if (!below || mirror_candidates(options->mirrors, below, &found, e) < 0)
			return -1;
		for (size_t k = 0; k < found.len; k++) {
			size_t len = strlen(found.items[k]);
			while (len && found.items[k][len - 1] == '/')
				found.items[k][--len] = '\0';
			if (!strv_has(ret, found.items[k]) && strv_add(ret, found.items[k], e) < 0)
				return -1;
		}
	}
	return 0;
}

int bootstrap_layer(const struct recipe *recipe, const struct toolchain_options *options, const char *dir, struct layer *ret,
		    struct err *e)
{
	cleanup_strv struct strv mirrors = { 0 };

	if (find_mirrors(recipe, options, &mirrors, e) < 0)
		return -1;
	if (recipe->bootstrap.accept_expired_release)
		log_printf(options->log, LOG_WARNING,
			   "toolchain '%s': a Release file of '%s' past its Valid-Until would be accepted, as the "
			   "recipe says",
			   recipe->name, recipe->bootstrap.suite);
	for (size_t i = 0; i < mirrors.len; i++) {
		if (cancel_check(options->cancel, e) < 0)
			return -1;
		log_printf(options->log, LOG_INFO, "toolchain '%s': bootstrapping '%s' from %s", recipe->name,
			   recipe->bootstrap.suite, mirrors.items[i]);
		if (run_in(recipe, options, mirrors.items[i], dir, ret, e) == 0)
			return 0;
		err_wrap(e, "bootstrapping '%s' from %s", recipe->bootstrap.suite, mirrors.items[i]);
		/* Only what the program says about itself may be another at the next mirror. */
		if (e->kind != ERR_FAILED)
			return -1;
		if (i + 1 < mirrors.len)
			log_printf(options->log, LOG_WARNING, "toolchain '%s': %s", recipe->name, e->message);
	}
	return mirrors.len ? -1 : err_set(e, ERR_INPUT, "recipe '%s' has no URL", recipe->name);
}
