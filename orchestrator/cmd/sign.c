#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/kernel_book.h"
#include "cmd/module_files.h"
#include "cmd/secret.h"
#include "cmd/sign_report.h"
#include "sign/hash.h"
#include "sign/sign.h"

struct sign_command {
	struct context context;
	struct strv words;
	const char *key, *certificate, *hash, *output, *passphrase_file, *passphrase_env;
	bool in_place, replace, by_key_id, verify, json;
};

#define TEXT_OPTION(member)                                                                                                        \
	static int set_##member(void *target, const char *value, struct err *e)                                                    \
	{                                                                                                                          \
		(void)e;                                                                                                           \
		((struct sign_command *)target)->member = value;                                                                   \
		return 0;                                                                                                          \
	}
#define FLAG_OPTION(member)                                                                                                        \
	static int set_##member(void *target, const char *value, struct err *e)                                                    \
	{                                                                                                                          \
		(void)value, (void)e;                                                                                              \
		((struct sign_command *)target)->member = true;                                                                    \
		return 0;                                                                                                          \
	}
TEXT_OPTION(key)
TEXT_OPTION(certificate)
TEXT_OPTION(output)
TEXT_OPTION(passphrase_file)
TEXT_OPTION(passphrase_env)
FLAG_OPTION(in_place)
FLAG_OPTION(replace)
FLAG_OPTION(by_key_id)
FLAG_OPTION(verify)
FLAG_OPTION(json)

static int set_hash(void *target, const char *value, struct err *e)
{
	return hash_find(value, &((struct sign_command *)target)->hash, e);
}

static const struct option_def sign_options[] = {
	{ "key", "KEY", "private key: a PEM file, or the PKCS#11 URI of a key in a token", set_key },
	{ "cert", "FILE", "its X.509 certificate, PEM or DER", set_certificate },
	{ "passphrase-file", "FILE", "the key's passphrase, or the token's PIN, is the file's first line", set_passphrase_file },
	{ "passphrase-env", "NAME", "it is the value of this environment variable", set_passphrase_env },
	{ "in-place", NULL, "replace the files by signed ones", set_in_place },
	{ "output", "DIR", "put the signed ones there, under the same names", set_output },
	{ "hash", "HASH", "sha256, sha384, sha512, sha3-256, sha3-384 or sha3-512\n[as each kernel's config asks, else sha256]",
	  set_hash },
	{ "replace", NULL, "take signatures away that are there, and sign anew", set_replace },
	{ "key-id", NULL, "name the certificate by its subject key identifier\n[by issuer and serial number]", set_by_key_id },
	{ "verify", NULL, "sign nothing: check signatures against --cert", set_verify },
	{ "json", NULL, "print the result as one JSON document", set_json },
	{ 0 },
};

static const struct option_table sign_tables[] = {
	{ sign_options, 0 },
	{ context_options, offsetof(struct sign_command, context) },
	{ 0 },
};

static const struct command_def sign_command = {
	.usage = "orchestrate sign --key KEY --cert FILE --in-place|--output DIR FILE|DIR... [OPTION]...\n"
		 "       orchestrate sign --verify --cert FILE FILE|DIR...",
	.summary =
		"Sign kernel modules (*.ko, *.ko.gz) the way the kernel expects, after the gate; a DIR stands for those in it.\n"
		"What is signed by that certificate already is left as it is; what is signed by another is refused without\n"
		"--replace. eBPF objects have no signature of this kind and are passed over. Exit code 5 when a module does not\n"
		"pass its check.",
	.tables = sign_tables,
	.epilogue = "Examples:\n"
		    "  orchestrate sign --key key.pem --cert cert.pem --in-place container/kernel-modules\n"
		    "  orchestrate sign --key 'pkcs11:token=release;object=modules' --passphrase-env PIN \\\n"
		    "      --cert cert.pem --output signed container/kernel-modules\n"
		    "  orchestrate sign --verify --cert cert.pem signed",
};

/* --- how it went --- */

/* The graver of two exit codes: a check that failed before all. */
static int graver(int a, int b)
{
	return a == EXIT_CHECK || b == EXIT_CHECK ? EXIT_CHECK : a > b ? a : b;
}

struct outcome {
	struct sign_report report;
	int code;
};

static void outcome_release(struct outcome *t)
{
	sign_report_release(&t->report);
}

static int count_failure(struct sign_command *o, struct outcome *t, const char *path, enum sign_result result, struct err *why,
			 struct err *e)
{
	t->code = graver(t->code, exit_code_of(why));
	int rc = sign_report_failure(&t->report, path, result, why, e);
	err_wrap(why, "'%s'", path);
	context_report(&o->context, why);
	return rc;
}

static void doubt(struct sign_command *o, const struct certificate *c)
{
	const char *text = certificate_doubt(c);

	if (text)
		log_printf(&o->context.log, LOG_WARNING, "certificate '%s': %s; kernels don't look at that", o->certificate, text);
}

/* --- signing --- */

/* Which hash, and why. */
static void choose_hash(struct sign_command *o, const char *path, const struct job *job, struct sign_request *ret,
			const char **ret_why)
{
	const char *asked = job->has_facts ? job->facts.signature_hash : "";
	struct err e;

	ret->hash = hash_default;
	*ret_why = !job->kernel	     ? "its kernel is not in the lists"
		   : !job->has_facts ? "its kernel's packages are not in the cache"
				     : "its kernel's config asks for none";
	if (o->hash) {
		ret->hash = o->hash;
		*ret_why = NULL;
	} else if (asked[0] && hash_find(asked, &ret->hash, &e) == 0) {
		*ret_why = "as its kernel's config asks";
	} else if (asked[0]) {
		log_printf(&o->context.log, LOG_WARNING, "'%s': its kernel's config asks for '%s'; %s is taken", path, asked,
			   ret->hash);
		*ret_why = "its kernel's config asks for a weak one";
	}
}

static void fill_expect(const struct job *job, struct module_expect *ret)
{
	if (!job->kernel)
		return;
	ret->elf_machine = job->kernel->arch->elf_machine;
	if (job->kernel->release[0])
		ret->release = job->kernel->release;
	else if (job->has_facts && job->facts.release[0] && !job->facts.from_sources)
		ret->release = job->facts.release;
}

static int sign_one(struct sign_command *o, const struct signer *signer, struct kernel_book *book, const char *path,
		    struct outcome *t, struct err *e)
{
	static const enum sign_result results[] = {
		[SIGN_SIGNED] = RESULT_SIGNED, [SIGN_REPLACED] = RESULT_REPLACED, [SIGN_LEFT] = RESULT_LEFT
	};
	cleanup_free char *target = o->in_place ? str_dup(path, e) : path_join(o->output, path_base(path), e);
	struct sign_request request = { .path = path, .target = target, .replace = o->replace, .cancel = &o->context.cancel };
	struct signature signature;
	enum sign_outcome outcome;
	struct job job = { 0 };
	const char *why;

	if (!target || kernel_book_find(book, path, str_ends(path, ".gz") ? ".ko.gz" : ".ko", &job, e) < 0)
		return -1;
	choose_hash(o, path, &job, &request, &why);
	fill_expect(&job, &request.expect);
	int rc = sign_file(signer, &request, &outcome, &signature, e);
	job_release(&job);
	if (rc < 0)
		return -1;
	return sign_report_good(&t->report, target, results[outcome], &signature, outcome == SIGN_LEFT ? NULL : why, e);
}

static bool is_held(const int *locks, size_t count, const char *path)
{
	struct stat held, st;

	for (size_t i = 0; i < count; i++)
		if (locks[i] >= 0 && fstat(locks[i], &held) == 0 && stat(path, &st) == 0 && held.st_dev == st.st_dev &&
		    held.st_ino == st.st_ino)
			return true;
	return false;
}

/* While files of an output tree are replaced nobody else writes to it. -1 in *ret_lock: it is no such tree, or `locks`, which we
 * hold, have it already. */
static int lock_tree(const struct sign_command *o, const char *word, const int *locks, size_t count, int *ret_lock, struct err *e)
{
	cleanup_free char *path = path_join(word, "../.lock", e);
	struct stat st;

	*ret_lock = -1;
	if (!path)
		return -1;
	if (!o->in_place || stat(word, &st) < 0 || !S_ISDIR(st.st_mode) || path_exists(path, e) <= 0 || is_held(locks, count, path))
		return 0;
	*ret_lock = file_lock(path, false, e);
	if (*ret_lock >= 0)
		return 0;
	return e->kind == ERR_CONFLICT ? err_set(e, ERR_CONFLICT, "another run is writing to '%s'", word) : -1;
}

static int sign_files(struct sign_command *o, const struct signer *signer, const struct module_files *files, struct err *e)
{
	cleanup_of(kernel_book) struct kernel_book *book = NULL;
	__attribute__((cleanup(outcome_release))) struct outcome t = { .report = { .json = o->json } };

	if (kernel_book_open(&o->context, &book, e) < 0 || (o->output && path_make_dirs(o->output, e) < 0))
		return -1;
	for (size_t i = 0; i < files->modules.len; i++) {
		const char *path = files->modules.items[i];
		struct err why;
		if (cancel_check(&o->context.cancel, e) < 0)
			return -1;
		if (sign_one(o, signer, book, path, &t, &why) == 0)
			continue;
		if (why.kind == ERR_CANCELLED)
			return *e = why, -1;
		if (count_failure(o, &t, path, RESULT_REFUSED, &why, e) < 0)
			return -1;
	}
	return sign_report_end(&t.report, files->bpf_objects, e) < 0 ? -1 : t.code;
}

/* The passphrase is gone when it returns. */
static int open_signer(const struct sign_command *o, struct signer **ret, struct err *e)
{
	cleanup_secret struct secret secret = { 0 };

	if (secret_read(o->passphrase_file, o->passphrase_env, &secret, e) < 0)
		return -1;
	const struct signer_options options = {
		.key = o->key,
		.passphrase = secret.given ? secret.text : NULL,
		.certificate = o->certificate,
		.by_key_id = o->by_key_id,
	};
	return signer_open(&options, ret, e);
}

static int sign(struct sign_command *o, const struct module_files *files, struct err *e)
{
	cleanup_of(signer) struct signer *signer = NULL;

	if (open_signer(o, &signer, e) < 0)
		return -1;
	doubt(o, signer_certificate(signer));
	cleanup_free int *locks = calloc(o->words.len, sizeof(*locks));
	size_t locked = 0;
	int code = 0;
	if (!locks)
		return err_no_memory(e);
	while (code == 0 && locked < o->words.len &&
	       (code = lock_tree(o, o->words.items[locked], locks, locked, &locks[locked], e)) == 0)
		locked++;
	if (code == 0)
		code = sign_files(o, signer, files, e);
	while (locked)
		if (locks[--locked] >= 0)
			close(locks[locked]);
	return code;
}

/* --- checking --- */

static int check_one(struct sign_command *o, const struct certificate *c, const char *path, struct outcome *t, struct err *e)
{
	struct signature s;

	if (sign_verify_file(c, path, NULL, &s, &o->context.cancel, e) < 0) {
		/* Here a damaged file is what was looked for. */
		if (e->kind == ERR_CORRUPT)
			e->kind = ERR_CHECK;
		return -1;
	}
	switch (s.state) {
	case SIGNATURE_GOOD:
		return sign_report_good(&t->report, path, RESULT_GOOD, &s, NULL, e);
	case SIGNATURE_NONE:
		return err_set(e, ERR_CHECK, "it is not signed");
	case SIGNATURE_OTHER_KEY:
		return err_set(e, ERR_CHECK, "it is signed by another key, %s%s%s", s.key, s.signer[0] ? " of " : "", s.signer);
	default:
		return err_set(e, ERR_CHECK, "its signature is not good: %s", s.reason);
	}
}

static int check(struct sign_command *o, const struct module_files *files, struct err *e)
{
	cleanup_of(certificate) struct certificate *c = NULL;
	__attribute__((cleanup(outcome_release))) struct outcome t = { .report = { .json = o->json } };

	if (certificate_load(o->certificate, &c, e) < 0)
		return -1;
	doubt(o, c);
	for (size_t i = 0; i < files->modules.len; i++) {
		struct err why;
		if (cancel_check(&o->context.cancel, e) < 0)
			return -1;
		if (check_one(o, c, files->modules.items[i], &t, &why) == 0)
			continue;
		if (why.kind == ERR_CANCELLED)
			return *e = why, -1;
		if (count_failure(o, &t, files->modules.items[i], RESULT_BAD, &why, e) < 0)
			return -1;
	}
	return sign_report_end(&t.report, files->bpf_objects, e) < 0 ? -1 : t.code;
}

/* --- the command --- */

static int check_options(const struct sign_command *o, struct err *e)
{
	if (!o->certificate)
		return err_set(e, ERR_USAGE, "--cert is missing: the certificate that signatures point to");
	if (o->verify) {
		if (o->key || o->output || o->in_place || o->replace || o->hash || o->by_key_id || o->passphrase_file ||
		    o->passphrase_env)
			return err_set(e, ERR_USAGE, "--verify takes --cert and nothing else: it signs nothing");
		return 0;
	}
	if (!o->key)
		return err_set(e, ERR_USAGE, "--key is missing: the private key to sign with");
	if (!o->in_place == !o->output)
		return err_set(e, ERR_USAGE,
			       o->output ? "--in-place and --output don't go together"
					 : "where to? --in-place replaces the files, --output DIR leaves them alone");
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(path_base(*(const char *const *)a), path_base(*(const char *const *)b));
}

/* Below --output each name is there once, and none of the files to sign. */
static int check_targets(const struct sign_command *o, const struct module_files *files, struct err *e)
{
	cleanup_free const char **names = calloc(files->modules.len, sizeof(*names));

	if (!names)
		return err_no_memory(e);
	for (size_t i = 0; i < files->modules.len; i++) {
		cleanup_free char *target = path_join(o->output, path_base(files->modules.items[i]), e);
		struct stat from, to;
		if (!target)
			return -1;
		if (stat(files->modules.items[i], &from) == 0 && stat(target, &to) == 0 && from.st_dev == to.st_dev &&
		    from.st_ino == to.st_ino)
			return err_set(e, ERR_USAGE, "'%s' would be overwritten; --in-place says that this is wanted", target);
		names[i] = files->modules.items[i];
	}
	qsort(names, files->modules.len, sizeof(*names), compare_names);
	for (size_t i = 1; i < files->modules.len; i++)
		if (compare_names(&names[i - 1], &names[i]) == 0)
			return err_set(e, ERR_USAGE, "'%s' and '%s' would be one file in --output", names[i - 1], names[i]);
	return 0;
}

static int run(void *target, struct err *e)
{
	struct sign_command *o = target;
	cleanup_module_files struct module_files files = { 0 };

	if (check_options(o, e) < 0 || module_files_collect(&o->words, &files, e) < 0 ||
	    (o->output && check_targets(o, &files, e) < 0))
		return -1;
	if (!files.modules.len)
		return err_set(e, ERR_USAGE, "there is no module among what was named");
	return o->verify ? check(o, &files, e) : sign(o, &files, e);
}

int cmd_sign(int argc, char **argv)
{
	struct sign_command o = { 0 };

	int code = context_run(&o.context, &sign_command, argc, argv, &o, &o.words, run);
	strv_release(&o.words);
	return code;
}
