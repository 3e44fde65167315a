#include "fetch/download.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "fetch/host.h"
#include "fetch/url.h"
#include "fetch/verdict.h"

enum {
	BACKOFF_MAX_MS = 30000,
	RETRY_AFTER_MAX_MS = 60000, /* who wants us to wait longer is passed over */
	CANDIDATES_MAX = 64,
	PROGRESS_MS = 200,
	ASK_AGAIN_MS = 200,
	GAIN_BYTES = 256 << 10, /* a try that got so much further does not count as failed */
};

/* One place for a file on its way. */
struct slot {
	struct transfer transfer;
	struct fetch_job job;
	bool taken, running;
	int64_t due_ms;	    /* not running: when to ask again */
	size_t candidate;   /* index in job.urls */
	uint64_t asked;	    /* a bit for each candidate that was asked */
	unsigned tries;	    /* at this candidate, since it last got us further */
	unsigned tries_max; /* at this candidate */
	uint64_t furthest;  /* bytes */
	struct err last;    /* why it waits */
};

struct fetch {
	struct fetch_options options;
	CURLM *multi;
	struct hosts hosts;
	struct slot *slots;
	size_t slot_count, taken;
	/* of the fetch_all under way */
	const struct fetch_feed *feed;
	bool exhausted;
	bool waiting;	/* the feed has nothing now, and wakes us when it has */
	int64_t ask_ms; /* when to ask the feed again */
	uint64_t received, reported;
	int64_t reported_ms;
};

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

int fetch_new(const struct fetch_options *options, struct fetch **ret, struct err *e)
{
	cleanup_of(fetch) struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return err_no_memory(e);
	f->options = *options;
	struct fetch_options *o = &f->options;
	o->parallel = or_default(o->parallel, 8);
	o->per_host = or_default(o->per_host, 8);
	o->tries = or_default(o->tries, 4);
	o->backoff_ms = or_default(o->backoff_ms, 500);
	o->connect_timeout_ms = or_default(o->connect_timeout_ms, 20000);
	o->stall_seconds = or_default(o->stall_seconds, 60);
	/* Counted and thread-safe in every libcurl since 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYSTEM, "libcurl can't be set up");
	f->slots = calloc(o->parallel, sizeof(*f->slots));
	f->multi = curl_multi_init();
	if (!f->slots || !f->multi)
		return err_no_memory(e);
	f->slot_count = o->parallel;
	for (size_t i = 0; i < f->slot_count; i++)
		f->slots[i].transfer.partial.fd = -1;
	curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)o->per_host);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)o->parallel + 4);
	*ret = steal_ptr(&f);
	return 0;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->slot_count; i++)
		transfer_release(&f->slots[i].transfer);
	free(f->slots);
	hosts_release(&f->hosts);
	if (f->multi)
		curl_multi_cleanup(f->multi);
	curl_global_cleanup();
	free(f);
}

/* --- the end of a file --- */

static void vacate(struct fetch *f, struct slot *s)
{
	if (s->running)
		curl_multi_remove_handle(f->multi, s->transfer.easy);
	f->received += s->transfer.received;
	s->transfer.received = 0;
	partial_release(&s->transfer.partial);
	s->taken = s->running = false;
	f->taken--;
	f->waiting = false;
	f->ask_ms = 0;
}

static int succeed(struct fetch *f, struct slot *s, const struct digest *digest, struct err *e)
{
	struct partial whole = s->transfer.partial;
	const struct fetch_result result = {
		.digest = *digest,
		.size = whole.size,
		.url = s->job.urls->items[s->candidate],
		.received = s->transfer.received,
		.etag = s->transfer.response.etag,
		.last_modified = s->transfer.response.last_modified,
	};

	s->transfer.partial = (struct partial){ .fd = -1 };
	vacate(f, s);
	int outcome = f->feed->done(f->feed->context, &s->job, &result, &whole, NULL, e);
	partial_release(&whole);
	return outcome;
}

static int leave_unchanged(struct fetch *f, struct slot *s, struct err *e)
{
	const struct fetch_result result = {
		.url = s->job.urls->items[s->candidate],
		.received = s->transfer.received,
		.unchanged = true,
	};

	vacate(f, s);
	return f->feed->done(f->feed->context, &s->job, &result, NULL, NULL, e);
}

static int fail(struct fetch *f, struct slot *s, const struct err *failure, struct err *e)
{
	vacate(f, s);
	return f->feed->done(f->feed->context, &s->job, NULL, NULL, failure, e);
}

/* --- which candidate, when --- */

static bool host_is_down(const struct fetch *f, const char *url)
{
	return hosts_failures(&f->hosts, url) >= f->options.tries;
}

static size_t candidate_count(const struct slot *s)
{
	return s->job.urls->len < CANDIDATES_MAX ? s->job.urls->len : CANDIDATES_MAX;
}

/* The first candidate not asked yet whose host is not known to be down; -1 without one. */
static ssize_t best_candidate(const struct fetch *f, const struct slot *s)
{
	for (size_t i = 0; i < candidate_count(s); i++)
		if (!(s->asked >> i & 1) && !host_is_down(f, s->job.urls->items[i]))
			return (ssize_t)i;
	return -1;
}

/* Those whose hosts are down come last, and get one try. False: all have been asked. */
static bool choose_candidate(const struct fetch *f, struct slot *s)
{
	ssize_t best = best_candidate(f, s);

	s->tries = 0;
	s->tries_max = best >= 0 ? f->options.tries : 1;
	for (size_t i = 0; best < 0 && i < candidate_count(s); i++)
		if (!(s->asked >> i & 1))
			best = (ssize_t)i;
	if (best < 0)
		return false;
	s->candidate = (size_t)best;
	s->asked |= UINT64_C(1) << best;
	return true;
}

static int ask(struct fetch *f, struct slot *s, struct err *e)
{
	const char *url = s->job.urls->items[s->candidate];

	s->tries++;
	if (transfer_request(&s->transfer, url, e) < 0)
		return -1;
	CURLMcode code = curl_multi_add_handle(f->multi, s->transfer.easy);
	if (code != CURLM_OK)
		return err_set(e, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(code));
	s->running = true;
	return 0;
}

/* Asks; what goes wrong on our own side ends this file. */
static int ask_or_fail(struct fetch *f, struct slot *s, struct err *e)
{
	struct err why;

	if (ask(f, s, &why) == 0)
		return 0;
	err_wrap(&why, "'%s'", s->job.name);
	return fail(f, s, &why, e);
}

/* Doubles from try to try, capped; a random half of it is taken off, so that many clients don't come back as one. */
static int64_t backoff_ms(const struct fetch *f, unsigned tries)
{
	uint64_t wait = (uint64_t)f->options.backoff_ms << (tries > 16 ? 16 : tries - 1);
	uint16_t dice = 0;

	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
		dice = 0x8000;
	return (int64_t)(wait - (wait / 2) * dice / 0xffff);
}

static int fail_for_good(struct fetch *f, struct slot *s, struct err *why, struct err *e)
{
	struct err ignored;
	cleanup_free char *shown = url_shown(s->job.urls->items[s->candidate], &ignored);

	err_wrap(why, "%s", shown ? shown : "?");
	if (s->job.urls->len > 1)
		err_wrap(why, "none of %zu mirrors gave it, the last one asked was", s->job.urls->len);
	err_wrap(why, "'%s'", s->job.name);
	return fail(f, s, why, e);
}

static int next_candidate(struct fetch *f, struct slot *s, struct err *why, struct err *e)
{
	struct err ignored;
	cleanup_free char *shown = url_shown(s->job.urls->items[s->candidate], &ignored);

	if (!choose_candidate(f, s))
		return fail_for_good(f, s, why, e);
	log_printf(f->options.log, LOG_INFO, "'%s': %s: %s; trying the next mirror", s->job.name, shown ? shown : "?",
		   why->message);
	return ask_or_fail(f, s, e);
}

static bool better_elsewhere(const struct fetch *f, const struct slot *s)
{
	return host_is_down(f, s->job.urls->items[s->candidate]) && best_candidate(f, s) >= 0;
}

static int again_later(struct fetch *f, struct slot *s, int64_t server_wait_ms, struct err *why, struct err *e)
{
	if (s->transfer.partial.size >= s->furthest + GAIN_BYTES)
		s->tries = 1;
	else if (s->tries >= s->tries_max || server_wait_ms > RETRY_AFTER_MAX_MS || better_elsewhere(f, s))
		return next_candidate(f, s, why, e);
	if (s->transfer.partial.size > s->furthest)
		s->furthest = s->transfer.partial.size;
	int64_t wait = server_wait_ms > 0 ? server_wait_ms : backoff_ms(f, s->tries);
	s->due_ms = clock_now_ms() + wait;
	s->last = *why;
	log_printf(f->options.log, LOG_INFO, "'%s': %s; again in %" PRId64 " ms", s->job.name, why->message, wait);
	return 0;
}

static int set_aside(struct fetch *f, struct slot *s, const struct digest *got, struct err *why, struct err *e)
{
	const char *url = s->job.urls->items[s->candidate];
	struct err broken;

	if (f->feed->rejected)
		f->feed->rejected(f->feed->context, &s->job, url, &s->transfer.partial, got, why);
	if (transfer_restart(&s->transfer, &broken) < 0)
		return fail_for_good(f, s, &broken, e);
	return next_candidate(f, s, why, e);
}

static int request_ended(struct fetch *f, struct slot *s, CURLcode code, struct err *e)
{
	const char *url = s->job.urls->items[s->candidate];
	struct digest digest = { 0 };
	int64_t wait_ms = 0;
	struct err why = { 0 };

	curl_multi_remove_handle(f->multi, s->transfer.easy);
	s->running = false;
	enum transfer_end end = transfer_judge(&s->transfer, code, &digest, &wait_ms, &why);
	if (end != TRANSFER_BROKEN && hosts_note(&f->hosts, url, end != TRANSFER_UNREACHABLE, e) < 0)
		return -1;
	switch (end) {
	case TRANSFER_COMPLETE:
		return succeed(f, s, &digest, e);
	case TRANSFER_UNCHANGED:
		return leave_unchanged(f, s, e);
	case TRANSFER_ANEW:
		log_printf(f->options.log, LOG_INFO, "'%s': what was there of it is no good, fetching it from the start",
			   s->job.name);
		return ask_or_fail(f, s, e);
	case TRANSFER_AGAIN:
	case TRANSFER_UNREACHABLE:
		return again_later(f, s, wait_ms, &why, e);
	case TRANSFER_ELSEWHERE:
		return next_candidate(f, s, &why, e);
	case TRANSFER_REJECTED:
		return set_aside(f, s, &digest, &why, e);
	case TRANSFER_BROKEN:
		break;
	}
	err_wrap(&why, "'%s'", s->job.name);
	return fail(f, s, &why, e);
}

/* --- the loop --- */

static int begin(struct fetch *f, struct slot *s, const struct fetch_job *job, struct err *e)
{
	struct err why;

	s->job = *job;
	s->taken = true;
	s->running = false;
	s->asked = 0;
	s->furthest = 0;
	f->taken++;
	choose_candidate(f, s);
	int outcome = transfer_begin(&s->transfer, &f->options, &s->job, &why);
	if (outcome >= 0 && f->feed->wanted && !f->feed->wanted(f->feed->context, &s->job))
		outcome = err_set(&why, ERR_CONFLICT, "another process has finished it");
	if (outcome == 1)
		return succeed(f, s, s->job.digest, e);
	if (outcome == 0)
		return ask_or_fail(f, s, e);
	err_wrap(&why, "'%s'", s->job.name);
	return fail(f, s, &why, e);
}

static struct slot *free_slot(struct fetch *f)
{
	for (size_t i = 0; i < f->slot_count; i++)
		if (!f->slots[i].taken)
			return &f->slots[i];
	return NULL;
}

static int take_jobs(struct fetch *f, struct err *e)
{
	struct slot *s;

	while (!f->exhausted && !f->waiting && clock_now_ms() >= f->ask_ms && (s = free_slot(f))) {
		struct fetch_job job = { 0 };
		int got = f->feed->next(f->feed->context, &job, e);
		if (got < 0)
			return -1;
		if (got == 0)
			f->exhausted = true;
		else if (got == 2 && f->feed->wake_fd > 0)
			f->waiting = true;
		else if (got == 2)
			f->ask_ms = clock_now_ms() + ASK_AGAIN_MS;
		else if (begin(f, s, &job, e) < 0)
			return -1;
	}
	return 0;
}

static int ask_what_is_due(struct fetch *f, struct err *e)
{
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < f->slot_count; i++) {
		struct slot *s = &f->slots[i];
		if (!s->taken || s->running || s->due_ms > now)
			continue;
		int outcome = better_elsewhere(f, s) ? next_candidate(f, s, &s->last, e) : ask_or_fail(f, s, e);
		if (outcome < 0)
			return -1;
	}
	return 0;
}

/* How long nothing needs us but the sockets. */
static int idle_ms(const struct fetch *f)
{
	int64_t now = clock_now_ms(), until = now + 1000;

	for (size_t i = 0; i < f->slot_count; i++) {
		const struct slot *s = &f->slots[i];
		if (s->taken && !s->running && s->due_ms < until)
			until = s->due_ms;
	}
	if (!f->exhausted && !f->waiting && f->taken < f->slot_count && f->ask_ms < until)
		until = f->ask_ms;
	return until > now ? (int)(until - now) : 0;
}

static void report(struct fetch *f, bool last)
{
	int64_t now = clock_now_ms();
	uint64_t bytes = f->received;

	if (!f->feed->progress || (!last && now - f->reported_ms < PROGRESS_MS))
		return;
	for (size_t i = 0; i < f->slot_count; i++)
		bytes += f->slots[i].taken ? f->slots[i].transfer.received : 0;
	if (bytes == f->reported)
		return;
	f->reported = bytes;
	f->reported_ms = now;
	f->feed->progress(f->feed->context, bytes);
}

/* Until a socket, the feed, the user or the clock wants something. */
static CURLMcode wait_for_any(struct fetch *f)
{
	struct curl_waitfd fds[2];
	unsigned count = 0;
	int stop_fd = cancel_fd(f->options.cancel);

	if (f->waiting)
		fds[count++] = (struct curl_waitfd){ .fd = f->feed->wake_fd, .events = CURL_WAIT_POLLIN };
	if (stop_fd >= 0)
		fds[count++] = (struct curl_waitfd){ .fd = stop_fd, .events = CURL_WAIT_POLLIN };
	CURLMcode code = curl_multi_poll(f->multi, fds, count, idle_ms(f), NULL);
	if (f->waiting && fds[0].revents)
		f->waiting = false;
	return code;
}

static int step(struct fetch *f, struct err *e)
{
	int running = 0, left;
	CURLMsg *message;

	CURLMcode code = curl_multi_perform(f->multi, &running);
	while (code == CURLM_OK && (message = curl_multi_info_read(f->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		for (size_t i = 0; i < f->slot_count; i++)
			if (f->slots[i].running && f->slots[i].transfer.easy == message->easy_handle) {
				if (request_ended(f, &f->slots[i], message->data.result, e) < 0)
					return -1;
				break;
			}
	}
	if (ask_what_is_due(f, e) < 0 || take_jobs(f, e) < 0)
		return -1;
	report(f, false);
	if (f->exhausted && !f->taken)
		return 0;
	if (code == CURLM_OK)
		code = wait_for_any(f);
	if (code != CURLM_OK)
		return err_set(e, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(code));
	return cancel_check(f->options.cancel, e) < 0 ? -1 : 1;
}

int fetch_all(struct fetch *f, const struct fetch_feed *feed, struct err *e)
{
	int outcome;

	f->feed = feed;
	f->exhausted = f->waiting = false;
	f->ask_ms = f->reported_ms = 0;
	f->received = f->reported = 0;
	outcome = cancel_check(f->options.cancel, e) < 0 ? -1 : take_jobs(f, e);
	if (outcome == 0 && (f->taken || !f->exhausted))
		while ((outcome = step(f, e)) > 0)
			;
	for (size_t i = 0; i < f->slot_count && outcome < 0; i++) {
		struct err ignored, stopped = { .kind = ERR_CANCELLED };
		if (!f->slots[i].taken)
			continue;
		err_set(&stopped, ERR_CANCELLED, "'%s': cancelled", f->slots[i].job.name);
		if (fail(f, &f->slots[i], &stopped, &ignored) < 0)
			log_printf(f->options.log, LOG_DEBUG, "while stopping: %s", ignored.message);
	}
	report(f, true);
	f->feed = NULL;
	return outcome;
}
