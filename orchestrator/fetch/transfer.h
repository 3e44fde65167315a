/* One file on its way: its partial file, its digest so far, and the HTTP request that gets more of it. The only place where a
 * transfer by libcurl is set up. When to ask whom again is download.c's. Internal to fetch. */
#ifndef ORCHESTRATE_FETCH_TRANSFER_H
#define ORCHESTRATE_FETCH_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "fetch/download.h"
#include "fetch/response.h"

/* How a request ended, as far as the next step goes. */
enum transfer_end {
	TRANSFER_COMPLETE,    /* the whole file, checked */
	TRANSFER_UNCHANGED,   /* 304: it is still what the job's validators stand for */
	TRANSFER_ANEW,	      /* ask again at once: what was there was no good and has been dropped */
	TRANSFER_AGAIN,	      /* worth another try after a wait */
	TRANSFER_UNREACHABLE, /* the same, and there was no connection at all */
	TRANSFER_ELSEWHERE,   /* this candidate won't give it */
	TRANSFER_REJECTED,    /* a whole file that is not the one asked for */
	TRANSFER_BROKEN,      /* we failed, not the server: no candidate will help */
};

struct transfer {
	CURL *easy;
	const char *authority; /* CURLINFO_CAINFO, libcurl's own */
	struct curl_slist *headers;
	char reason[CURL_ERROR_SIZE];
	const struct fetch_job *job; /* borrowed */
	struct partial partial;
	struct hasher *hasher; /* has seen partial.size bytes */
	/* of the file */
	bool continued;	 /* some of it came from an earlier request */
	bool wrong_once; /* a continued one was wrong and has been begun anew */
	uint64_t received;
	/* of the request */
	const char *url;
	char *origin;	  /* url_origin of it */
	uint64_t offset;  /* asked for from here */
	bool conditional; /* asked under the job's validators */
	bool trusted;	  /* asked with the job's access */
	struct response response;
	enum { BODY_UNDECIDED, BODY_KEEP, BODY_DROP } body;
	uint64_t dropped;
	bool noted;
	enum transfer_end abort_end; /* when failed.kind is set */
	struct err failed;	     /* why we broke the request off */
};

/* {0} plus .partial.fd = -1 is empty; release and begin anew at will. */
void transfer_release(struct transfer *t);
/* Takes up a job: opens its partial file, reads the old part into the digest. 1: it was complete and right already; 0: requests are
 * needed; -1 (ERR_CONFLICT as from partial_open). */
must_check int transfer_begin(struct transfer *t, const struct fetch_options *o, const struct fetch_job *job, struct err *e);
/* Sets t->easy up to ask url (borrowed until the end of the request) for what is missing. */
must_check int transfer_request(struct transfer *t, const char *url, struct err *e);
/* Decides from the response's head whether its body is kept; called before the first byte, and by the judge for a response without
 * body. -1: t->failed and t->abort_end say why not. */
must_check int transfer_settle(struct transfer *t);
/* Drops what is there. */
must_check int transfer_restart(struct transfer *t, struct err *e);

#endif
