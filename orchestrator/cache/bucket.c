#include "cache/bucket.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cache/rclone.h"

struct bucket {
	struct rclone rclone;
	char *root; /* as rclone takes it */
	char *shown;
	bool whole_files, whole_files_known; /* a file appears when all of it is there */
};

/* The short forms, and what of the backend must be said: credentials from the environment, no look at (or making of) the bucket
 * itself, for which a key that may only read and write objects has no right, no per-object access lists. */
static const struct {
	const char *prefix, *backend, *provider_variable, *provider;
} forms[] = {
	{ "s3://", ":s3,env_auth=true,no_check_bucket=true", "RCLONE_S3_PROVIDER", ",provider=AWS" },
	{ "gs://", ":gcs,env_auth=true,no_check_bucket=true,bucket_policy_only=true", NULL, "" },
};

static int expand_form(struct bucket *b, size_t form, const char *path, struct err *e)
{
	const char *variable = forms[form].provider_variable;
	bool given = variable && getenv(variable);

	if (!*path || *path == '/')
		return err_set(e, ERR_USAGE, "'%s%s' names no bucket: expected %sBUCKET/PATH", forms[form].prefix, path,
			       forms[form].prefix);
	b->root = str_printf(e, "%s%s:%s", forms[form].backend, given ? "" : forms[form].provider, path);
	b->shown = str_printf(e, "%s%s", forms[form].prefix, path);
	if (!b->root || !b->shown)
		return -1;
	const char *authority = getenv("AWS_CA_BUNDLE");
	if (form == 0 && authority && !getenv("RCLONE_CA_CERT"))
		return strv_take(&b->rclone.environment, str_printf(e, "RCLONE_CA_CERT=%s", authority), e);
	return 0;
}

/* The end of a connection string's head, `name` or `:backend`, with what follows it of `,key=value` and `,key="a:b"`: its colon.
 * NULL: the text is a path. */
static const char *head_end(const char *place, const char **ret_parameters)
{
	bool quoted = false;

	*ret_parameters = NULL;
	for (const char *p = place + (*place == ':'); *p; p++) {
		if (*ret_parameters && (*p == '"' || *p == '\''))
			quoted = !quoted;
		if (quoted)
			continue;
		if (*p == ':')
			return p;
		if (*p == ',' && !*ret_parameters)
			*ret_parameters = p;
		if (*p == '/' && !*ret_parameters)
			return NULL;
	}
	return NULL;
}

/* The whole of the parameters, then each value: rclone says now this, now that. */
static int keep_secret(struct bucket *b, const char *parameters, const char *end, struct err *e)
{
	enum { SHORTEST = 4 }; /* "true" would hide much that is none */
	bool quoted = false;

	if (strv_take(&b->rclone.secrets, str_printf(e, "%.*s", (int)(end - parameters), parameters), e) < 0)
		return -1;
	const char *value = NULL;
	for (const char *p = parameters; p <= end; p++) {
		if (p < end && (*p == '"' || *p == '\''))
			quoted = !quoted;
		if (*p == '=' && !value)
			value = p + 1;
		if (p < end && (quoted || *p != ','))
			continue;
		const char *from = value && value < p && (*value == '"' || *value == '\'') ? value + 1 : value;
		const char *to = from != value && p > from ? p - 1 : p;
		if (value && to - from > SHORTEST &&
		    strv_take(&b->rclone.secrets, str_printf(e, "%.*s", (int)(to - from), from), e) < 0)
			return -1;
		value = NULL;
	}
	return 0;
}

static int take_place(struct bucket *b, const char *place, struct err *e)
{
	const char *parameters;

	if (!*place || *place == '-')
		return err_set(e, ERR_USAGE, "'%s' is no bucket: expected a directory, gs://..., s3://... or rclone's remote:path",
			       place);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_starts(place, forms[i].prefix))
			return expand_form(b, i, place + strlen(forms[i].prefix), e);
	if (strstr(place, "://") && !strchr(place, ','))
		return err_set(e, ERR_USAGE,
			       "'%.*s...' is no kind of bucket known here: gs:// and s3:// are (a public address goes into "
			       "PACKAGE_BUCKET_URL)",
			       (int)(strstr(place, "://") + 3 - place), place);
	const char *end = head_end(place, &parameters);
	b->root = str_dup(end && parameters ? "orchestrateplace:" : place, e);
	b->shown = end && parameters ? str_printf(e, "%.*s,...%s", (int)(parameters - place), place, end) : str_dup(place, e);
	if (!b->root || !b->shown)
		return -1;
	if (!end || !parameters)
		return 0;
	/* Everybody may read a program's arguments, only its user the environment: rclone gets the string as an alias of ours. */
	if (strv_add(&b->rclone.environment, "RCLONE_CONFIG_ORCHESTRATEPLACE_TYPE=alias", e) < 0 ||
	    strv_take(&b->rclone.environment, str_printf(e, "RCLONE_CONFIG_ORCHESTRATEPLACE_REMOTE=%s", place), e) < 0)
		return -1;
	return keep_secret(b, parameters, end, e);
}

int bucket_new(const char *place, struct log *log, const struct cancel *cancel, struct bucket **ret, struct err *e)
{
	cleanup_of(bucket) struct bucket *b = calloc(1, sizeof(*b));

	if (!b)
		return err_no_memory(e);
	if (rclone_init(&b->rclone, log, cancel, e) < 0 || take_place(b, place, e) < 0)
		return -1;
	size_t len = strlen(b->root);
	while (len > 1 && b->root[len - 1] == '/')
		b->root[--len] = '\0';
	*ret = steal_ptr(&b);
	return 0;
}

void bucket_free(struct bucket *b)
{
	if (!b)
		return;
	rclone_release(&b->rclone);
	free(b->root);
	free(b->shown);
	free(b);
}

const char *bucket_shown(const struct bucket *b)
{
	return b->shown;
}

static char *place_of(const struct bucket *b, const char *sub, struct err *e)
{
	return str_printf(e, "%s%s%s", b->root, str_ends(b->root, ":") || str_ends(b->root, "/") ? "" : "/", sub);
}

static int failed(const struct bucket *b, const char *what, struct err *e)
{
	return err_wrap(e, "%s bucket '%s'", what, b->shown);
}

/* --- reading --- */

struct listing {
	int (*each)(void *context, const char *name, uint64_t size, struct err *e);
	void *context;
};

/* `path;size` */
static int list_line(void *context, char *line, struct err *e)
{
	struct listing *l = context;
	unsigned long long size;
	struct err ignored;
	char *semicolon = strrchr(line, ';');

	if (!semicolon)
		return 0;
	*semicolon = '\0';
	if (str_to_u64(semicolon + 1, INT64_MAX, &size, &ignored) < 0)
		return 0;
	return l->each(l->context, line, size, e);
}

int bucket_list(struct bucket *b, const char *sub, int (*each)(void *context, const char *name, uint64_t size, struct err *e),
		void *context, struct err *e)
{
	struct listing listing = { each, context };
	const struct rclone_events events = { .line = list_line, .context = &listing };
	cleanup_free char *place = place_of(b, sub, e);

	if (!place)
		return -1;
	const char *const arguments[] = { "lsf", place, "--recursive", "--files-only", "--fast-list", "--format", "ps", NULL };
	int result = rclone_run(&b->rclone, arguments, NULL, &events, e);
	return result < 0 ? failed(b, "listing", e) : result;
}

static int ignore_line(void *context, char *line, struct err *e)
{
	(void)context, (void)line, (void)e;
	return 0;
}

int bucket_exists(struct bucket *b, struct err *e)
{
	const struct rclone_events events = { .line = ignore_line };
	const char *const arguments[] = { "lsf", b->root, "--max-depth", "1", NULL };

	int result = rclone_run(&b->rclone, arguments, NULL, &events, e);
	return result < 0 ? failed(b, "looking at", e) : !result;
}

static int copy(struct bucket *b, const char *from, const char *to, const struct strv *names, const struct bucket_events *events,
		struct err *e)
{
	const struct rclone_events told = {
		.copied = events->moved, .progress = events->progress, .damaged = events->damaged, .context = events->context
	};
	/* Name by name: what it costs goes by what is asked for, not by what the bucket holds. */
	const char *const arguments[] = { "copy",
					  from,
					  to,
					  "--files-from-raw",
					  "-",
					  "--no-traverse",
					  "--ignore-existing",
					  "--immutable",
					  "--local-no-set-modtime",
					  "--no-update-modtime",
					  NULL };

	return rclone_run(&b->rclone, arguments, names, &told, e);
}

int bucket_get(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events, struct err *e)
{
	if (!names->len)
		return 0;
	return copy(b, b->root, dir, names, events, e) < 0 ? failed(b, "reading", e) : 0;
}

/* --- writing --- */

static int keep_line(void *context, char *line, struct err *e)
{
	return buf_printf(context, e, "%s\n", line);
}

/* Whether a file of this backend can be seen before it is whole: object stores have no such thing, file systems do. */
static int learn_features(struct bucket *b, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	const struct rclone_events events = { .line = keep_line, .context = &text };
	const char *const arguments[] = { "backend", "features", b->root, NULL };

	if (b->whole_files_known)
		return 0;
	if (rclone_run(&b->rclone, arguments, NULL, &events, e) < 0)
		return -1;
	json_t *root = json_loads(buf_text(&text), 0, NULL);
	b->whole_files = json_is_true(json_object_get(json_object_get(root, "Features"), "BucketBased"));
	json_decref(root);
	b->whole_files_known = true;
	return 0;
}

static bool has_sub(const struct strv *names, const char *sub)
{
	for (size_t i = 0; i < names->len; i++)
		if (str_starts(names->items[i], sub) && names->items[i][strlen(sub)] == '/')
			return true;
	return false;
}

/* Renames what stands below incoming/sub into place, file by file: a directory that is not there yet would be renamed whole, and
 * no file of it told. */
static int move_sub(struct bucket *b, const char *incoming, const char *sub, const struct bucket_events *events, struct err *e)
{
	const struct rclone_events quiet = { 0 }, moving = { .copied = events->moved, .context = events->context };
	cleanup_free char *from = str_printf(e, "%s/%s", incoming, sub);
	cleanup_free char *to = place_of(b, sub, e);
	const char *const mkdir[] = { "mkdir", to, NULL };
	const char *const move[] = { "move", from, to, "--ignore-existing", "--immutable", "--no-traverse", NULL };

	if (!from || !to || rclone_run(&b->rclone, mkdir, NULL, &quiet, e) < 0)
		return -1;
	return rclone_run(&b->rclone, move, NULL, &moving, e) < 0 ? -1 : 0;
}

/* By way of a directory of our own beside the others, and a rename of each file when it is whole. */
static int put_by_rename(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events,
			 struct err *e)
{
	static const char *const subs[] = { "sha256", "urls" };
	const struct rclone_events quiet = { 0 };
	const struct bucket_events copying = { .progress = events->progress, .context = events->context };
	uint32_t number = 0;
	char name[32];
	struct err why;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return err_set(e, ERR_SYSTEM, "getrandom failed");
	snprintf(name, sizeof(name), ".incoming.%08x", number);
	cleanup_free char *incoming = place_of(b, name, e);
	if (!incoming)
		return -1;
	const char *const purge[] = { "purge", incoming, NULL };
	int result = copy(b, dir, incoming, names, &copying, e);
	/* What has come is good, also when not all has. */
	for (size_t i = 0; i < ARRAY_LEN(subs) && (result >= 0 || e->kind == ERR_FAILED); i++)
		if (has_sub(names, subs[i]) && move_sub(b, incoming, subs[i], events, &why) < 0 && result >= 0) {
			*e = why;
			result = -1;
		}
	/* What stays there is what somebody else has put in place meanwhile. */
	if ((result >= 0 || e->kind == ERR_FAILED) && rclone_run(&b->rclone, purge, NULL, &quiet, &why) < 0)
		log_printf(b->rclone.log, LOG_DEBUG, "bucket '%s': %s", b->shown, why.message);
	return result < 0 ? -1 : 0;
}

int bucket_put(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events, struct err *e)
{
	if (!names->len)
		return 0;
	if (learn_features(b, e) < 0)
		return failed(b, "asking about", e);
	int result = b->whole_files ? copy(b, dir, b->root, names, events, e) : put_by_rename(b, names, dir, events, e);
	return result < 0 ? failed(b, "writing to", e) : 0;
}
