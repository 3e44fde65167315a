#include "cache/rclone.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"

enum {
	LINE_MAX_BYTES = 1 << 20, /* a line of statistics names all files under way */
	ARGUMENTS_MAX = 48,
	DIRECTORY_NOT_FOUND = 3, /* exit code: "List of exit codes" in rclone's documentation */
};

extern char **environ;

/* Bounded in calls and memory, whatever the backend's defaults: eight files at once with 2 MiB each, no chunked downloads, no
 * question on a terminal. The statistics once a second are the progress. */
static const char *const common_options[] = {
	"--use-json-log",
	"--log-level",
	"INFO",
	"--stats",
	"1s",
	"--stats-log-level",
	"INFO",
	"--ask-password=false",
	"--transfers",
	"8",
	"--checkers",
	"16",
	"--buffer-size",
	"2M",
	"--contimeout",
	"20s",
	"--retries",
	"3",
	"--retries-sleep",
	"1s",
	"--multi-thread-streams",
	"0",
};

static void json_release(json_t *j)
{
	json_decref(j);
}

DEFINE_CLEANUP(json, json_t, json_release)

int rclone_init(struct rclone *r, struct log *log, const struct cancel *cancel, struct err *e)
{
	*r = (struct rclone){ .log = log, .cancel = cancel };
	for (char **variable = environ; *variable; variable++)
		/* rclone 1.60 can't use its S3 backend with it (LoadCustomCABundleError). */
		if (!str_starts(*variable, "AWS_CA_BUNDLE=") && strv_add(&r->environment, *variable, e) < 0)
			return -1;
	return 0;
}

void rclone_release(struct rclone *r)
{
	strv_release(&r->secrets);
	strv_release(&r->environment);
}

char *rclone_clean(const struct rclone *r, const char *text, struct err *e)
{
	cleanup_free char *clean = str_dup(text, e);

	for (size_t i = 0; clean && i < r->secrets.len; i++) {
		const char *secret = r->secrets.items[i];
		cleanup_buf struct buf out = { 0 };
		const char *at = clean, *found;
		while ((found = strstr(at, secret))) {
			if (buf_printf(&out, e, "%.*s...", (int)(found - at), at) < 0)
				return NULL;
			at = found + strlen(secret);
		}
		if (buf_puts(&out, at, e) < 0)
			return NULL;
		free(clean);
		clean = buf_steal(&out);
	}
	return steal_ptr(&clean);
}

/* One run. */
struct run {
	const struct rclone *rclone;
	const struct rclone_events *events;
	struct buf input; /* what stdin has still to get */
	size_t given;
	struct buf out, err;  /* the beginnings of lines */
	char *last;	      /* complaint, clean */
	bool damaged, broken; /* what it complained of: damaged files, and of anything else */
};

static void run_release(struct run *r)
{
	buf_release(&r->input);
	buf_release(&r->out);
	buf_release(&r->err);
	free(r->last);
}

#define cleanup_run __attribute__((cleanup(run_release)))

/* --- what it says --- */

static int complain(struct run *r, const char *object, const char *text, struct err *e)
{
	cleanup_free char *clean = rclone_clean(r->rclone, text, e);
	cleanup_free char *whole = clean ? str_printf(e, "%s%s%s", object ? object : "", object ? ": " : "", clean) : NULL;

	if (!whole)
		return -1;
	for (char *p = whole; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	log_printf(r->rclone->log, LOG_DEBUG, "rclone: %s", whole);
	free(r->last);
	r->last = steal_ptr(&whole);
	return 0;
}

/* `2026/01/02 03:04:05 ` stands before what is said before, or instead of, the JSON log. */
static const char *without_time(const char *line)
{
	size_t n = strspn(line, "0123456789/");

	if (n != strlen("2026/01/02") || line[n] != ' ')
		return line;
	const char *rest = line + n + 1;
	n = strspn(rest, "0123456789:");
	return rest[n] == ' ' ? rest + n + 1 : line;
}

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (uint64_t)number : 0;
}

/* Damage comes with the file's name, and without it when all attempts are summed up. */
static int hear_complaint(struct run *r, const char *object, const char *message, struct err *e)
{
	const struct rclone_events *events = r->events;

	if (!strstr(message, "corrupted on transfer")) {
		r->broken = true;
	} else if (object) {
		r->damaged = true;
		if (events->damaged)
			events->damaged(events->context, object, message);
	}
	return complain(r, object, message, e);
}

static int said(void *context, char *line, struct err *e)
{
	struct run *r = context;
	const struct rclone_events *events = r->events;
	cleanup_of(json) json_t *root = json_loads(line, 0, NULL);

	if (!root)
		return *line ? complain(r, NULL, without_time(line), e) : 0;
	const char *level = json_string_value(json_object_get(root, "level"));
	const char *message = json_string_value(json_object_get(root, "msg"));
	const char *object = json_string_value(json_object_get(root, "object"));
	const json_t *statistics = json_object_get(root, "stats");
	if (statistics && events->progress)
		events->progress(events->context, number_of(statistics, "bytes"), number_of(statistics, "totalBytes"));
	if (!level || !message || statistics)
		return 0;
	if (strcmp(level, "info") == 0) {
		if (object && (strstr(message, "Copied (") || strstr(message, "Moved (")) && events->copied)
			events->copied(events->context, object);
		return 0;
	}
	bool serious = strcmp(level, "warning") != 0 && strcmp(level, "notice") != 0 && strcmp(level, "debug") != 0;
	return serious ? hear_complaint(r, object, message, e) : 0;
}

static int printed(void *context, char *line, struct err *e)
{
	struct run *r = context;

	return r->events->line ? r->events->line(r->events->context, line, e) : 0;
}

/* --- its three pipes --- */

/* Takes whole lines off the front. end: what is left is a line too. */
static int split_lines(struct buf *b, bool end, int (*take)(void *context, char *line, struct err *e), void *context, struct err *e)
{
	size_t used = 0;

	while (used < b->len) {
		char *line = b->data + used, *newline = memchr(line, '\n', b->len - used);
		if (!newline && !end)
			break;
		if (newline)
			*newline = '\0';
		used = newline ? (size_t)(newline + 1 - b->data) : b->len;
		if (take(context, line, e) < 0)
			return -1;
	}
	buf_consume(b, used);
	if (b->len > LINE_MAX_BYTES)
		return err_set(e, ERR_PROTOCOL, "rclone printed a line of more than %d bytes", LINE_MAX_BYTES);
	return 0;
}

static int take_output(struct pollfd *p, struct buf *b, int (*take)(void *context, char *line, struct err *e), struct run *r,
		       struct err *e)
{
	if (!p->revents)
		return 0;
	if (buf_reserve(b, 1 << 16, e) < 0)
		return -1;
	ssize_t n = read(p->fd, b->data + b->len, 1 << 16);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return err_system(e, errno, "reading what rclone prints");
	b->len += (size_t)n;
	b->data[b->len] = '\0';
	if (n == 0)
		p->fd = -1;
	return split_lines(b, n == 0, take, r, e);
}

/* One that has stopped reading says on stderr why. */
static void give_input(struct pollfd *p, struct run *r)
{
	if (!p->revents)
		return;
	ssize_t n = send(p->fd, r->input.data + r->given, r->input.len - r->given, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		r->given += (size_t)n;
	if (n <= 0 || r->given == r->input.len) {
		shutdown(p->fd, SHUT_WR);
		p->fd = -1;
	}
}

static int talk(struct run *r, int in, int out, int errout, struct err *e)
{
	struct pollfd fds[] = { { .fd = r->input.len ? in : -1, .events = POLLOUT },
				{ .fd = out, .events = POLLIN },
				{ .fd = errout, .events = POLLIN },
				{ .fd = cancel_fd(r->rclone->cancel), .events = POLLIN } };

	while (fds[1].fd >= 0 || fds[2].fd >= 0) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_system(e, errno, "poll");
		}
		if (fds[3].revents)
			return err_set(e, ERR_CANCELLED, "cancelled");
		give_input(&fds[0], r);
		if (take_output(&fds[1], &r->out, printed, r, e) < 0 || take_output(&fds[2], &r->err, said, r, e) < 0)
			return -1;
	}
	return 0;
}

static int fill_input(struct run *r, const struct strv *names, struct err *e)
{
	for (size_t i = 0; names && i < names->len; i++)
		if (buf_puts(&r->input, names->items[i], e) < 0 || buf_puts(&r->input, "\n", e) < 0)
			return -1;
	return 0;
}

static int judge(const struct run *r, int status, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == DIRECTORY_NOT_FOUND)
		return 1;
	if (process_status_check("rclone", status, e) == 0)
		return 0;
	if (WIFEXITED(status) && r->events->damaged && r->damaged && !r->broken)
		return 0;
	return r->last ? err_append(e, "%s", r->last) : -1;
}

int rclone_run(const struct rclone *rclone, const char *const arguments[], const struct strv *names,
	       const struct rclone_events *events, struct err *e)
{
	const char *argv[ARGUMENTS_MAX + ARRAY_LEN(common_options) + 2] = { "rclone" };
	cleanup_run struct run r = { .rclone = rclone, .events = events };
	cleanup_process struct process p = { .pid_fd = -1 };
	int in[2] = { -1, -1 }, out[2], errout[2], status = 0;
	size_t n = 1;

	for (; *arguments && n < ARGUMENTS_MAX; arguments++)
		argv[n++] = *arguments;
	for (size_t i = 0; i < ARRAY_LEN(common_options); i++)
		argv[n++] = common_options[i];
	if (fill_input(&r, names, e) < 0)
		return -1;
	/* A socket, since a write to it can be told not to raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0)
		return err_system(e, errno, "socketpair");
	cleanup_close int in_ours = in[0], in_theirs = in[1];
	if (fd_pipe(out, e) < 0)
		return -1;
	cleanup_close int out_ours = out[0], out_theirs = out[1];
	if (fd_pipe(errout, e) < 0)
		return -1;
	cleanup_close int err_ours = errout[0], err_theirs = errout[1];
	const struct process_fd fds[] = { { in_theirs, 0 }, { out_theirs, 1 }, { err_theirs, 2 } };
	if (process_start(&p, argv, (const char *const *)rclone->environment.items, fds, ARRAY_LEN(fds), e) < 0)
		return e->kind == ERR_NOT_FOUND ? err_set(e, ERR_FAILED,
							  "buckets need the program 'rclone', which is not installed (ci/setup "
							  "installs it); a bucket's public address needs none: PACKAGE_BUCKET_URL")
						: -1;
	close(steal_fd(&in_theirs));
	close(steal_fd(&out_theirs));
	close(steal_fd(&err_theirs));
	if (!r.input.len)
		close(steal_fd(&in_ours));
	if (talk(&r, in_ours, out_ours, err_ours, e) < 0 || process_wait(&p, rclone->cancel, &status, e) < 0)
		return -1;
	return judge(&r, status, e);
}
