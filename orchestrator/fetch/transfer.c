#include "fetch/transfer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "fetch/url.h"

enum {
	RECEIVE_BYTES = 512 << 10, /* the largest that libcurl takes */
	ERROR_BODY_MAX = 64 << 10, /* of an error page, read only to keep the connection */
	NOTE_FROM = 256 << 10,	   /* less is not worth continuing */
	REDIRECTS_MAX = 5,
	STALL_BYTES_PER_SECOND = 1024,
};

static void response_clear(struct response *r)
{
	free(r->etag);
	free(r->last_modified);
	*r = (struct response){ 0 };
}

void transfer_release(struct transfer *t)
{
	if (t->easy)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	partial_release(&t->partial);
	hasher_free(t->hasher);
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

/* --- the response's headers --- */

/* The value of a header line if it is `name`, without blanks around; *ret_len is its length. */
static const char *header_value(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	const char *start = line + n + 1, *end = line + len;
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	while (end > start && strchr("\r\n \t", end[-1]))
		end--;
	*ret_len = (size_t)(end - start);
	return start;
}

static bool keep_header(const char *line, size_t len, const char *name, char **ret)
{
	size_t n;
	const char *value = header_value(line, len, name, &n);

	if (!value || memchr(value, '\n', n) || !n)
		return false;
	free(*ret);
	*ret = strndup(value, n);
	return true;
}

static uint64_t read_number(const char **p, const char *end)
{
	uint64_t n = 0;

	while (*p < end && **p >= '0' && **p <= '9') {
		unsigned digit = (unsigned)(*(*p)++ - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return UINT64_MAX;
		n = n * 10 + digit;
	}
	return n;
}

/* `bytes 100-199/200`, a total of `*` when unknown, and `bytes * /200` (no blank) with status 416: RFC 9110, 14.4. */
static void read_content_range(struct response *r, const char *value, size_t len)
{
	const char *p = value, *end = value + len;

	if (len < 6 || strncasecmp(p, "bytes ", 6) != 0)
		return;
	p += 6;
	if (p < end && *p != '*')
		r->range_start = read_number(&p, end);
	const char *slash = memchr(p, '/', (size_t)(end - p));
	if (!slash)
		return;
	p = slash + 1;
	r->range_total = read_number(&p, end);
	r->has_range = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t len = size * count, n;

	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		response_clear(&t->response);
		return len;
	}
	const char *range = header_value(line, len, "Content-Range", &n);
	if (range)
		read_content_range(&t->response, range, n);
	else if (!keep_header(line, len, "ETag", &t->response.etag))
		keep_header(line, len, "Last-Modified", &t->response.last_modified);
	return len;
}

/* What If-Range takes: a strong ETag, else the date. */
static const char *validator_of(const struct response *r)
{
	if (r->etag && r->etag[0] == '"')
		return r->etag;
	return r->etag ? NULL : r->last_modified;
}

/* --- the response's body --- */

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
	const char *validator = validator_of(&t->response);

	t->noted = true;
	/* Bytes of two origins have no validator. */
	if (t->continued) {
		bool same = t->partial.url && t->partial.validator && validator && strcmp(t->partial.url, t->url) == 0 &&
			    strcmp(t->partial.validator, validator) == 0;
		if (same)
			return 0;
		validator = NULL;
	}
	return partial_note(&t->partial, t->url, validator, &t->failed);
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
	bool usable = job->digest || (t->partial.url && t->partial.validator);
	if (!usable)
		return transfer_restart(t, e);
	if (hash_old_part(t, e) < 0)
		return -1;
	return check_if_complete(t, e);
}

static int set_header(struct transfer *t, const char *text, struct err *e)
{
	struct curl_slist *grown = curl_slist_append(t->headers, text);

	if (!grown)
		return err_no_memory(e);
	t->headers = grown;
	return 0;
}

/* Range and If-Range for what is there, or a restart where it can't be continued from this URL. */
static int set_range(struct transfer *t, struct err *e)
{
	bool same = t->partial.url && t->partial.validator && strcmp(t->partial.url, t->url) == 0;

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
	if (!same)
		return 0;
	cleanup_free char *condition = str_printf(e, "If-Range: %s", t->partial.validator);
	return condition ? set_header(t, condition, e) : -1;
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
	if (set_range(t, e) < 0)
		return -1;
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, url_is_https(url) && !t->job->digest ? "https" : "http,https");
	return 0;
}
