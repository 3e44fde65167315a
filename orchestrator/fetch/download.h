/* Parallel downloads in the calling thread, by libcurl's multi interface.
 *
 * Per file: candidates are tried in order. What is worth another try (time-out, reset, 5xx, 408, 429, short body) is tried again
 * at the same candidate after a back-off that doubles, with jitter, or after the server's Retry-After; other statuses (404, 403,
 * 410, ...) go on to the next candidate at once. A host that can't be reached is passed over by later files as long as they have
 * another candidate. A partial file that is there is continued with Range, under If-Range where the same URL gave a validator; a
 * server that ignores the range, or a file that changed, means start anew. Without validator and digest nothing is continued. A
 * continued file with the wrong digest is fetched once more from the start. The digest is computed while writing; only a continued
 * file's old part is read again.
 *
 * Redirects: at most 5, never to file:, and not from https to http unless the digest is known. Proxies: as libcurl's environment
 * variables (http_proxy, https_proxy, all_proxy, no_proxy). Each candidate is told who asks: `orchestrate/<version>`.
 *
 * A job may have validators of what the caller has already: then a file that is still the same costs one small answer (304).
 * A private source's secrets (access.h) are sent, and never said: messages, logs and notes have URLs without query and user. */
#ifndef ORCHESTRATE_FETCH_DOWNLOAD_H
#define ORCHESTRATE_FETCH_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "fetch/access.h"
#include "fetch/partial.h"
#include "stream/digest.h"

/* Nothing larger is accepted from anywhere (bytes). */
#define FETCH_MAX_BYTES (UINT64_C(8) << 30)

/* Zero means the default in brackets. */
struct fetch_options {
	unsigned parallel;	     /* files at once [8] */
	unsigned per_host;	     /* connections to one host [8] */
	unsigned tries;		     /* per candidate without getting any further [4] */
	unsigned backoff_ms;	     /* first wait [500]; doubles, up to 30 s */
	unsigned connect_timeout_ms; /* [20,000] */
	unsigned stall_seconds;	     /* slower than 1 KiB/s for so long is a time-out [60] */
	struct log *log;	     /* retries and fail-over: info; the rest: debug */
	const struct cancel *cancel;
};

/* One file to get. Everything in it is borrowed until its done(). */
struct fetch_job {
	void *tag;		     /* the caller's own */
	const char *name;	     /* for messages */
	const struct strv *urls;     /* candidates, best first, at least one */
	const char *partial_path;    /* partial.h; its directory must exist */
	const struct digest *digest; /* NULL: not known */
	bool size_known;
	uint64_t size;
	uint64_t max_bytes; /* 0: FETCH_MAX_BYTES */
	/* As an earlier result from the first candidate gave them; NULL: none. Sent to that one, as If-None-Match and
	 * If-Modified-Since, when the file is asked for from its start: of what others have they say nothing. Without a digest, a
	 * partial file that an earlier run left is begun anew for that. file: URLs know no conditions. */
	const char *etag, *last_modified;
	const struct fetch_access *access; /* NULL: a public source */
};

struct fetch_result {
	struct digest digest;
	uint64_t size;
	const char *url;   /* the candidate that gave it, borrowed from the job */
	uint64_t received; /* bytes that came over the wire for it, failed tries too */
	/* The server says that it is still what the job's validators stand for; digest and size are zero, and there is no file. */
	bool unchanged;
	/* What the server gave with the file, borrowed until done() returns; NULL: nothing, as always with unchanged. */
	const char *etag, *last_modified;
};

/* How fetch_all gets its work and gives it back; all called in the calling thread. */
struct fetch_feed {
	/* The next file: 1, 0 no more, -1 stop everything with *e. 2: none now; asked again after the next done(), and when wake_fd
	 * becomes readable (without a wake_fd: after 200 ms). Asked only when a place is free, so a long list needs no memory here.
	 */
	int (*next)(void *context, struct fetch_job *ret, struct err *e);
	/* Optional. The partial file is in our hand now. False: somebody else finished the file before that; done() gets
	 * ERR_CONFLICT. */
	bool (*wanted)(void *context, const struct fetch_job *job);
	/* Once for each job taken, in the order of ending. Success: failure is NULL, *result is set, and *p holds the whole checked
	 * file: take it (partial_commit) or it stays as it is; p is NULL when result->unchanged. Failure: result is NULL and p is
	 * NULL; *failure is
	 *   ERR_CORRUPT     every candidate failed and the last bytes were wrong (digest, size)
	 *   ERR_NOT_FOUND   ... and the last answer was 404 or 410
	 *   ERR_CONFLICT    another process has the partial file: look whether it is done, or give the job again later
	 *   ERR_INPUT       its access can't be used (token, certificate)
	 *   ERR_CANCELLED, ERR_LIMIT, ERR_TEMPORARY, ERR_PROTOCOL, ERR_FAILED (401, 403), ERR_SYSTEM (a full disk, ...)
	 * -1 stops everything with *e. */
	int (*done)(void *context, const struct fetch_job *job, const struct fetch_result *result, struct partial *p,
		    const struct err *failure, struct err *e);
	/* Optional. A complete download that is not what was asked for: keep it for a look (rename p->path away), else it is
	 * discarded. */
	void (*rejected)(void *context, const struct fetch_job *job, const char *url, struct partial *p, const struct digest *got,
			 const struct err *why);
	/* Optional. Bytes received over the wire so far by this call, a few times a second while something arrives. */
	void (*progress)(void *context, uint64_t bytes);
	/* Optional (0 or -1: none). Polled with the transfers after next() gave 2, never read: next() empties it before it looks
	 * for work, or it is asked over and over. */
	int wake_fd;
	void *context;
};

struct fetch;

/* Connections are kept for the life of the object. *options is copied. */
must_check int fetch_new(const struct fetch_options *options, struct fetch **ret, struct err *e);
void fetch_free(struct fetch *f);
/* Works until next() has no more and everything is done. 0 also when single files failed: done() was told. -1: cancelled, or a
 * callback said stop, or the machinery failed; done() has been called for every job taken all the same. Partial files stay for the
 * next time. */
must_check int fetch_all(struct fetch *f, const struct fetch_feed *feed, struct err *e);

DEFINE_CLEANUP(fetch, struct fetch, fetch_free)

#endif
