/* What the verbs of `orchestrate cache` have in common. */
#ifndef ORCHESTRATE_CMD_CACHE_H
#define ORCHESTRATE_CMD_CACHE_H

#include "cache/bucket.h"
#include "cache/package_cache.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/listed.h"

struct cache_command {
	struct context context;
	const struct cache_verb *verb;
	struct strv words, distros, keep_refs;
	const char *url; /* NULL: by the file's name */
	bool yes, all;
	unsigned jobs, grace_s; /* 0: the default */
	bool grace_given;
	/* of a transfer: for the display */
	const char *what;
	unsigned packages, done;
};

struct cache_verb {
	const char *name, *summary; /* for the list of verbs */
	struct command_def command;
	bool takes_words;
	/* The cache is open. Gives an exit code, or -1 with *e. */
	int (*run)(struct cache_command *o, struct cache *cache, struct err *e);
};

extern const struct cache_verb cache_fetch_verb, cache_verify_verb, cache_add_verb, cache_pull_verb, cache_push_verb,
	cache_prune_verb, cache_delete_verb, cache_list_verb;

/* --distro, --yes. */
extern const struct option_def cache_distro_options[], cache_yes_options[];

/* Events for the display: so many bytes of o->what; one package has ended so. */
void cache_show_progress(struct cache_command *o, uint64_t bytes_done, uint64_t bytes_total);
void cache_show_package(struct cache_command *o, const char *how, const struct cache_entry *entry);
/* "12.3 MB" and the like, as a number. */
double megabytes(uint64_t bytes);
/* Packages of the lists, those of --distro or all. */
must_check int cache_load_listed(struct cache_command *o, struct listed *ret, struct err *e);

#endif
