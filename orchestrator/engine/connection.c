#include "engine/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* curl makes its sockets without close-on-exec, and a child that inherited one would keep the connection alive beyond our
 * death; so they are made here. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct connection *c = context;

	(void)purpose;
	c->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return c->fd < 0 ? CURL_SOCKET_BAD : c->fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
	struct connection *c = context;

	if (c->kept && fd == c->fd)
		return 0;
	return close(fd);
}

CURL *connection_handle(struct engine *engine, struct connection *c, const char *path, char *reason, struct err *e)
{
	pthread_once(&curl_once, curl_start);
	*c = (struct connection){ .fd = -1 };
	cleanup_free char *url = str_printf(e, "http://localhost%s", path);
	if (!url)
		return NULL;
	CURL *easy = curl_easy_init();
	if (!easy) {
		err_no_memory(e);
		return NULL;
	}
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, engine->socket_path);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "orchestrate/" ORCHESTRATE_VERSION);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
	return easy;
}

static int socket_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(e, ERR_USAGE, "engine: the socket path '%s' is longer than %zu bytes", path,
			       sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

static int not_permitted(const char *path, struct err *e)
{
	struct stat st;
	struct group group, *found = NULL;
	char names[4096];

	if (stat(path, &st) == 0 && st.st_gid != 0 && (st.st_mode & S_IWGRP) &&
	    getgrgid_r(st.st_gid, &group, names, sizeof(names), &found) == 0 && found)
		return err_set(
			e, ERR_UNREACHABLE,
			"engine: '%s': permission denied: run as a member of the group '%s', or name another engine with --engine",
			path, found->gr_name);
	return err_set(
		e, ERR_UNREACHABLE,
		"engine: '%s': permission denied: run as the user whom the socket belongs to, or name another engine with --engine",
		path);
}

int connection_unreachable(const struct engine *engine, struct err *e)
{
	const char *path = engine->socket_path;
	struct sockaddr_un address;

	if (socket_address(path, &address, e) < 0)
		return -1;
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_system(e, errno, "engine: socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return err_set(e, ERR_TEMPORARY, "engine: '%s' did not accept the connection at first", path);
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return err_set(e, ERR_UNREACHABLE, "engine: no socket at '%s': start the engine, or name another with --engine",
			       path);
	case EACCES:
	case EPERM:
		return not_permitted(path, e);
	case ECONNREFUSED:
		return err_set(e, ERR_UNREACHABLE,
			       "engine: nobody listens on '%s': start the engine, or name another with --engine", path);
	default:
		return err_set(e, ERR_UNREACHABLE, "engine: '%s': %s", path, strerrordesc_np(errno));
	}
}

int connection_open(struct engine *engine, int *ret_fd, struct err *e)
{
	char reason[CURL_ERROR_SIZE] = "";
	struct connection c;

	CURL *easy = connection_handle(engine, &c, "/", reason, e);
	if (!easy)
		return -1;
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	CURLcode code = curl_easy_perform(easy);
	c.kept = code == CURLE_OK;
	curl_easy_cleanup(easy);
	if (code == CURLE_COULDNT_CONNECT)
		return connection_unreachable(engine, e);
	if (code != CURLE_OK)
		return err_set(e, ERR_TEMPORARY, "engine: connecting: %s", reason[0] ? reason : curl_easy_strerror(code));
	int flags = fcntl(c.fd, F_GETFL);
	if (flags < 0 || fcntl(c.fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		err_system(e, errno, "engine: fcntl");
		close(c.fd);
		return -1;
	}
	*ret_fd = c.fd;
	return 0;
}
