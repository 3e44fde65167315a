#include "fetch/transfer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fetch/url.h"

enum {
	RECEIVE_BYTES = 512 << 10, /* the largest that libcurl takes */
	ERROR_BODY_MAX = 64 << 10, /* of an error page, read only to keep the connection */
	NOTE_FROM = 256 << 10,	   /* less is not worth continuing */
	REDIRECTS_MAX = 5,
	VALIDATOR_MAX = 1024, /* bytes; nobody has longer ones */
	STALL_BYTES_PER_SECOND = 1024,
};

void transfer_release(struct transfer *t)
{
	if (t->easy)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	partial_release(&t->partial);
	hasher_free(t->hasher);
	free(t->origin);
	response_clear(&t->response);
	*t = (struct transfer){ .partial = { .fd = -1 } };
}

/* Breaks the request off from within a callback. */
static size_t break_off(struct transfer *t, enum transfer_end end)
{
	t->abort_end = end;
	return CURL_WRITEFUNC_ERROR;
}

int transfer_restart(struct transfer *t, struct err *e)
{
	struct digest ignored;

	t->continued = false;
	if (hasher_finish(t->hasher, &ignored, e) < 0)
		return -1;
	return partial_restart(&t->partial, e);
}

/* --- the response --- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct transfer *t = context;

	response_take_line(&t->response, line, size * count);
	return size * count;
}

/* Before the first byte is kept: does the server give the part that we asked for, of the size that we expect? 0, or -1 with
 * t->failed and t->abort_end set. */
static int accept_body(struct transfer *t)
{
	const struct fetch_job *job = t->job;
	uint64_t max = job->max_bytes ? job->max_bytes : FETCH_MAX_BYTES;
	long status = 0;
	curl_off_t length = -1;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (status == 206) {
		if (!t->offset || !t->response.has_range || t->response.range_start != t->offset) {
			t->abort_end = TRANSFER_BROKEN;
			if (transfer_restart(t, &t->failed) < 0)
				return -1;
			t->abort_end = TRANSFER_AGAIN;
			return err_set(&t->failed, ERR_PROTOCOL, "the server sent another part of the file than asked for");
		}
		t->continued = true;
	} else if (t->partial.size && transfer_restart(t, &t->failed) < 0) {
		t->abort_end = TRANSFER_BROKEN;
		return -1;
	}
	if (length >= 0) {
		uint64_t total = t->partial.size + (uint64_t)length;
		t->abort_end = TRANSFER_ELSEWHERE;
		if (job->size_known && total != job->size)
			return err_set(&t->failed, ERR_CORRUPT,
				       "the server has %llu bytes where %llu are expected: another file, or an error page",
				       (unsigned long long)total, (unsigned long long)job->size);
		if (total > max)
			return err_set(&t->failed, ERR_LIMIT, "larger than %llu bytes", (unsigned long long)max);
	}
	return 0;
}

static bool status_is_body(long status, const char *url)
{
	return status == 200 || status == 206 || (status == 0 && url_is_file(url));
}

int transfer_settle(struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!status_is_body(status, t->url)) {
		t->body = BODY_DROP;
		return 0;
	}
	t->body = BODY_KEEP;
	return accept_body(t);
}

static int write_note(struct transfer *t)
{
	const char *validator = response_validator(&t->response);

	t->noted = true;
	/* Bytes of two origins have no validator. */
	if (t->continued) {
		bool same = t->partial.url && t->partial.validator && validator && strcmp(t->partial.url, t->origin) == 0 &&
			    strcmp(t->partial.validator, validator) == 0;
		if (same)
			return 0;
		validator = NULL;
	}
	return partial_note(&t->partial, t->origin, validator, &t->failed);
}

static int keep(struct transfer *t, const char *bytes, size_t len)
{
	const struct fetch_job *job = t->job;
	uint64_t max = job->max_bytes ? job->max_bytes : FETCH_MAX_BYTES;

	t->abort_end = TRANSFER_ELSEWHERE;
	if (job->size_known && t->partial.size + len > job->size)
		return err_set(&t->failed, ERR_CORRUPT, "the server sends more than the %llu bytes expected",
			       (unsigned long long)job->size);
	if (t->partial.size + len > max)
		return err_set(&t->failed, ERR_LIMIT, "larger than %llu bytes", (unsigned long long)max);
	t->abort_end = TRANSFER_BROKEN;
	if (hasher_update(t->hasher, bytes, len, &t->failed) < 0)
		return -1;
	while (len) {
		ssize_t n = pwrite(t->partial.fd, bytes, len, (off_t)t->partial.size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(&t->failed, errno, "writing '%s'", t->partial.path);
		bytes += n;
		len -= (size_t)n;
		t->partial.size += (uint64_t)n;
	}
	if (!t->noted && t->partial.size >= NOTE_FROM)
		return write_note(t);
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t len = size * count;

	t->received += len;
	if (t->body == BODY_UNDECIDED && transfer_settle(t) < 0)
		return break_off(t, t->abort_end);
	if (t->body == BODY_KEEP)
		return keep(t, bytes, len) < 0 ? break_off(t, t->abort_end) : len;
	t->dropped += len;
	return t->dropped > ERROR_BODY_MAX ? CURL_WRITEFUNC_ERROR : len;
}

/* --- the request --- */

static int set_up(struct transfer *t, const struct fetch_options *o, struct err *e)
{
	t->easy = curl_easy_init();
	if (!t->easy)
		return err_no_memory(e);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "orchestrate/" ORCHESTRATE_VERSION);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(t->easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
	curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, (long)o->stall_seconds);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->reason);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	/* What libcurl was built to trust, to be set again after an access with an authority of its own. */
	curl_easy_getinfo(t->easy, CURLINFO_CAINFO, &t->authority);
	return 0;
}

/* The old part goes through the digest once, in pieces. */
static int hash_old_part(struct transfer *t, struct err *e)
{
	cleanup_free char *chunk = malloc(RECEIVE_BYTES);
	uint64_t at = 0;

	if (!chunk)
		return err_no_memory(e);
	while (at < t->partial.size) {
		ssize_t n = pread(t->partial.fd, chunk, RECEIVE_BYTES, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading '%s'", t->partial.path);
		if (n == 0)
			break;
		if (hasher_update(t->hasher, chunk, (size_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	t->partial.size = at;
	return 0;
}

/* A partial of a process that died between the last byte and taking it. */
static int check_if_complete(struct transfer *t, struct err *e)
{
	const struct fetch_job *job = t->job;
	struct digest got;

	if (!job->size_known || t->partial.size < job->size)
		return 0;
	if (job->digest && t->partial.size == job->size) {
		if (hasher_finish(t->hasher, &got, e) < 0)
			return -1;
		if (digest_equal(&got, job->digest))
			return 1;
	}
	return transfer_restart(t, e);
}

int transfer_begin(struct transfer *t, const struct fetch_options *o, const struct fetch_job *job, struct err *e)
{
	partial_release(&t->partial);
	t->job = job;
	t->continued = t->wrong_once = false;
	t->received = 0;
	response_clear(&t->response);
	if (!t->easy && set_up(t, o, e) < 0)
		return -1;
	if (partial_open(&t->partial, job->partial_path, e) < 0)
		return -1;
	hasher_free(t->hasher);
	t->hasher = hasher_new(e);
	if (!t->hasher)
		return -1;
	if (!t->partial.size)
		return 0;
	t->continued = true;
	/* Who asks under a condition wants the file as it is now, not the rest of what it once was. */
	bool conditional = job->etag || job->last_modified;
	bool usable = job->digest || (!conditional && t->partial.url && t->partial.validator);
	if (!usable)
		return transfer_restart(t, e);
	if (hash_old_part(t, e) < 0)
		return -1;
	return check_if_complete(t, e);
}

/* What a server or a ledger gave, fit to stand in a header line. */
static bool is_header_value(const char *value)
{
	size_t len = value ? strlen(value) : 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return false;
	return len && len <= VALIDATOR_MAX;
}

static int set_header(struct transfer *t, const char *name, const char *value, struct err *e)
{
	cleanup_free char *text = str_printf(e, "%s: %s", name, value);
	struct curl_slist *grown = text ? curl_slist_append(t->headers, text) : NULL;

	if (!grown)
		return err_no_memory(e);
	t->headers = grown;
	return 0;
}

/* Range and If-Range for what is there, or a restart where it can't be continued from this URL. */
static int set_range(struct transfer *t, struct err *e)
{
	bool same = t->partial.url && t->partial.validator && strcmp(t->partial.url, t->origin) == 0;

	t->offset = 0;
	if (t->partial.size && (url_is_file(t->url) || (!same && !t->job->digest)))
		if (transfer_restart(t, e) < 0)
			return -1;
	if (!t->partial.size) {
		curl_easy_setopt(t->easy, CURLOPT_RANGE, NULL);
		return 0;
	}
	t->offset = t->partial.size;
	cleanup_free char *range = str_printf(e, "%llu-", (unsigned long long)t->offset);
	if (!range)
		return -1;
	curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
	return same ? set_header(t, "If-Range", t->partial.validator, e) : 0;
}

/* If-None-Match and If-Modified-Since (RFC 9110, 13.1), for a file that is asked for from its first byte, from whom they are. */
static int set_condition(struct transfer *t, struct err *e)
{
	const struct fetch_job *job = t->job;

	t->conditional = false;
	if (t->offset || url_is_file(t->url) || t->url != job->urls->items[0])
		return 0;
	if (is_header_value(job->etag)) {
		if (set_header(t, "If-None-Match", job->etag, e) < 0)
			return -1;
		t->conditional = true;
	}
	if (is_header_value(job->last_modified)) {
		if (set_header(t, "If-Modified-Since", job->last_modified, e) < 0)
			return -1;
		t->conditional = true;
	}
	return 0;
}

/* What the access gives for this URL; the handle may have served another one before, so everything is set. */
static int set_access(struct transfer *t, struct err *e)
{
	static const struct fetch_access none = { 0 };
	const struct fetch_access *a = t->job->access;

	t->trusted = fetch_access_covers(a, t->url);
	if (!t->trusted)
		a = &none;
	cleanup_free char *url = fetch_access_url(a, t->url, e);
	if (!url)
		return -1;
	bool bearer = a->token && a->token_as == FETCH_TOKEN_BEARER, basic = a->token && a->token_as == FETCH_TOKEN_BASIC;
	/* What the URL itself may have between `//` and `@` is left to libcurl. */
	curl_easy_setopt(t->easy, CURLOPT_USERPWD, NULL);
	curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)(bearer ? CURLAUTH_BEARER : CURLAUTH_BASIC));
	curl_easy_setopt(t->easy, CURLOPT_XOAUTH2_BEARER, bearer ? a->token : NULL);
	if (basic) {
		curl_easy_setopt(t->easy, CURLOPT_USERNAME, a->user ? a->user : "bearer");
		curl_easy_setopt(t->easy, CURLOPT_PASSWORD, a->token);
	}
	curl_easy_setopt(t->easy, CURLOPT_SSLCERT, a->certificate);
	curl_easy_setopt(t->easy, CURLOPT_SSLKEY, a->key);
	curl_easy_setopt(t->easy, CURLOPT_CAINFO, a->authority ? a->authority : t->authority);
	CURLcode code = curl_easy_setopt(t->easy, CURLOPT_URL, url);
	return code == CURLE_OK ? 0 : err_set(e, ERR_SYSTEM, "libcurl: %s", curl_easy_strerror(code));
}

int transfer_request(struct transfer *t, const char *url, struct err *e)
{
	t->url = url;
	t->body = BODY_UNDECIDED;
	t->dropped = 0;
	t->noted = false;
	t->reason[0] = '\0';
	err_clear(&t->failed);
	response_clear(&t->response);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	free(t->origin);
	t->origin = url_origin(url, e);
	if (!t->origin || set_range(t, e) < 0 || set_condition(t, e) < 0 || set_access(t, e) < 0)
		return -1;
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, url_is_https(url) && !t->job->digest ? "https" : "http,https");
	return 0;
}
