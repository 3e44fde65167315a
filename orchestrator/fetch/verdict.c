#include "fetch/verdict.h"

/* Statuses of RFC 9110 (429: RFC 6585) that deserve more than a number. */
static const struct {
	long status;
	enum err_kind kind;
	const char *text;
} statuses[] = {
	{ 401, ERR_FAILED, "not authorised: this source needs credentials" },
	{ 403, ERR_FAILED, "forbidden: this source needs credentials, or refuses this machine" },
	{ 404, ERR_NOT_FOUND, "not found: the mirror never had it or has removed it" },
	{ 407, ERR_FAILED, "the proxy wants credentials: see the *_proxy environment variables" },
	{ 408, ERR_TEMPORARY, "request time-out" },
	{ 410, ERR_NOT_FOUND, "gone: the mirror has removed it" },
	{ 425, ERR_TEMPORARY, "too early" },
	{ 429, ERR_TEMPORARY, "too many requests: try fewer at once" },
	{ 500, ERR_TEMPORARY, "internal server error" },
	{ 501, ERR_PROTOCOL, "not implemented" },
	{ 502, ERR_TEMPORARY, "bad gateway" },
	{ 503, ERR_TEMPORARY, "service unavailable" },
	{ 504, ERR_TEMPORARY, "gateway time-out" },
	{ 505, ERR_PROTOCOL, "HTTP version not supported" },
};

/* libcurl's errors that another try may mend. All others won't go away at this candidate. */
static const CURLcode temporary_codes[] = {
	CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,	 CURLE_RECV_ERROR,
	CURLE_PARTIAL_FILE,	  CURLE_HTTP2,	     CURLE_HTTP2_STREAM, CURLE_SSL_CONNECT_ERROR,
};
static const CURLcode unreachable_codes[] = { CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT };

/* Ours to mend; libcurl's own texts would name the files. */
static const struct {
	CURLcode code;
	enum err_kind kind;
	const char *text;
} known_codes[] = {
	{ CURLE_TOO_MANY_REDIRECTS, ERR_PROTOCOL, "more than 5 redirects in a row: a loop" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL,
	  "redirects to where we don't follow (only http and https, and no http behind https without a known digest)" },
	{ CURLE_SSL_CERTPROBLEM, ERR_INPUT,
	  "the client certificate or its key can't be used: are the files there, in PEM, and a pair?" },
	{ CURLE_SSL_CACERT_BADFILE, ERR_INPUT, "the file of trusted authorities can't be used: is it there, and in PEM?" },
};

static bool code_among(CURLcode code, const CURLcode *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static enum transfer_end judge_status(struct transfer *t, long status, int64_t *ret_wait_ms, struct err *e)
{
	enum err_kind kind = status >= 500 ? ERR_TEMPORARY : ERR_PROTOCOL;
	const char *text = status >= 400 ? "the server refuses" : "not an answer that we can use";
	curl_off_t wait_s = 0;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].status == status) {
			kind = statuses[i].kind;
			text = statuses[i].text;
		}
	}
	if (curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0)
		*ret_wait_ms = wait_s > INT32_MAX ? INT32_MAX : wait_s * 1000;
	if (t->trusted && (status == 401 || status == 403))
		text = "it does not take the credentials that it was given";
	err_set(e, kind, "HTTP status %ld, %s", status, text);
	return kind == ERR_TEMPORARY ? TRANSFER_AGAIN : TRANSFER_ELSEWHERE;
}

static enum transfer_end judge_transport(struct transfer *t, CURLcode code, struct err *e)
{
	const char *text = t->reason[0] ? t->reason : curl_easy_strerror(code);
	curl_off_t connected_us = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	bool unreachable = code_among(code, unreachable_codes, ARRAY_LEN(unreachable_codes)) ||
			   (code == CURLE_OPERATION_TIMEDOUT && connected_us == 0);
	if (unreachable) {
		err_set(e, ERR_TEMPORARY, "%s; is the network up, are the *_proxy variables right?", text);
		return TRANSFER_UNREACHABLE;
	}
	if (code_among(code, temporary_codes, ARRAY_LEN(temporary_codes))) {
		err_set(e, ERR_TEMPORARY, "%s", text);
		return TRANSFER_AGAIN;
	}
	if (code == CURLE_OUT_OF_MEMORY) {
		err_no_memory(e);
		return TRANSFER_BROKEN;
	}
	for (size_t i = 0; i < ARRAY_LEN(known_codes); i++)
		if (known_codes[i].code == code)
			return err_set(e, known_codes[i].kind, "%s", known_codes[i].text), TRANSFER_ELSEWHERE;
	err_set(e, code == CURLE_FILE_COULDNT_READ_FILE ? ERR_NOT_FOUND : ERR_PROTOCOL, "%s", text);
	return TRANSFER_ELSEWHERE;
}

/* All bytes that the server had to give are there. */
static enum transfer_end judge_whole(struct transfer *t, struct digest *ret_digest, struct err *e)
{
	const struct fetch_job *job = t->job;
	char expected[DIGEST_HEX + 1], found[DIGEST_HEX + 1];

	if (job->size_known && t->partial.size < job->size) {
		err_set(e, ERR_TEMPORARY, "ended after %llu of %llu bytes", (unsigned long long)t->partial.size,
			(unsigned long long)job->size);
		return TRANSFER_AGAIN;
	}
	if (!t->partial.size && !job->size_known) {
		err_set(e, ERR_CORRUPT, "the server sent an empty file");
		return TRANSFER_ELSEWHERE;
	}
	if (hasher_finish(t->hasher, ret_digest, e) < 0)
		return TRANSFER_BROKEN;
	if (!job->digest || digest_equal(ret_digest, job->digest))
		return TRANSFER_COMPLETE;
	if (t->continued && !t->wrong_once) {
		t->wrong_once = true;
		return transfer_restart(t, e) < 0 ? TRANSFER_BROKEN : TRANSFER_ANEW;
	}
	digest_hex(job->digest, expected);
	digest_hex(ret_digest, found);
	err_set(e, ERR_CORRUPT, "wrong content: its sha256 is %s, expected %s", found, expected);
	return TRANSFER_REJECTED;
}

/* 416: there is nothing behind our offset. Either we have it all, or the file has shrunk. */
static enum transfer_end judge_beyond_end(struct transfer *t, struct digest *ret_digest, struct err *e)
{
	if (t->response.has_range && t->response.range_total == t->partial.size)
		return judge_whole(t, ret_digest, e);
	return transfer_restart(t, e) < 0 ? TRANSFER_BROKEN : TRANSFER_ANEW;
}

enum transfer_end transfer_judge(struct transfer *t, CURLcode code, struct digest *ret_digest, int64_t *ret_wait_ms, struct err *e)
{
	long status = 0;

	*ret_wait_ms = 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && t->body == BODY_UNDECIDED && !t->failed.kind && transfer_settle(t) < 0)
		return *e = t->failed, t->abort_end;
	if (t->failed.kind) {
		*e = t->failed;
		return t->abort_end;
	}
	if (status == 416 && t->offset)
		return judge_beyond_end(t, ret_digest, e);
	/* How the body of a refusal ended does not matter. */
	if (status >= 400)
		return judge_status(t, status, ret_wait_ms, e);
	if (code != CURLE_OK)
		return judge_transport(t, code, e);
	if (t->body == BODY_KEEP)
		return judge_whole(t, ret_digest, e);
	if (status == 304 && t->conditional)
		return TRANSFER_UNCHANGED;
	return judge_status(t, status, ret_wait_ms, e);
}
