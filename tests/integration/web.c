#include "web.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "tree.h"
#include "work.h"

enum { INHERITED_FD = 9 };

static const char nginx_text[] =
	"daemon off;\nworker_processes 1;\n%spid nginx.pid;\nerror_log error.log;\nevents {}\n"
	"http {\n"
	"\tlog_format short '$status $body_bytes_sent $request_uri';\n"
	"\taccess_log access.log short;\n"
	"\tclient_body_temp_path body;\n\tproxy_temp_path proxy;\n\tfastcgi_temp_path fastcgi;\n\tuwsgi_temp_path uwsgi;\n"
	"\tscgi_temp_path scgi;\n"
	"\tdefault_type application/octet-stream;\n\ttypes { text/html html; application/json json; }\n"
	"\tserver { listen 127.0.0.1:%u; root %s; autoindex on; absolute_redirect off;\n"
	/* An object store's listing, page for page: see published_bucket. */
	"\t\tlocation ~ ^(?<top>.*)/store$ { default_type application/xml; try_files $top/pages/$arg_marker/page.xml =404; }\n"
	"\t\tlocation /query-token/ { if ($args != " WEB_TOKEN ") { return 403; } }\n"
	"\t\tlocation /bearer-token/ { if ($http_authorization != \"Bearer " WEB_TOKEN "\") { return 403; } } }\n"
	"}\n";

static const char apache_text[] =
	"ServerRoot %s\nListen 127.0.0.1:%u\nServerName 127.0.0.1\nPidFile apache.pid\n%s"
	"LoadModule mpm_event_module %s/mod_mpm_event.so\nLoadModule dir_module %s/mod_dir.so\n"
	"LoadModule authz_core_module %s/mod_authz_core.so\nLoadModule autoindex_module %s/mod_autoindex.so\n"
	"DefaultRuntimeDir %s\nErrorLog /dev/stderr\nLogFormat \"%%>s %%B %%U\" short\n"
	"CustomLog access.log short\nDocumentRoot %s\nDirectorySlash On\n"
	"<Directory %s>\n\tRequire all granted\n\tOptions Indexes FollowSymLinks\n\tIndexOptions %s\n</Directory>\n";

static const char apache_modules[] = "/usr/lib/apache2/modules";

/* A socket on a free port: listening already, so that nobody has to wait for the server. Caller closes. */
static int listen_somewhere(unsigned *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 128) == 0);
	cr_assert(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* nginx takes over sockets that the variable NGINX names: that is how it replaces itself by a newer one. */
static void start_nginx(struct web *w, const char *dir, const char *docroot)
{
	cleanup_close int fd = listen_somewhere(&w->port);
	cleanup_free char *text = text_of(nginx_text, geteuid() == 0 ? "user root;\n" : "", w->port, docroot),
			  *prefix = text_of("%s/", dir);
	cleanup_free char *inherited = text_of("NGINX=%d;", INHERITED_FD);
	const char *const argv[] = { "setpriv", "--pdeathsig", "TERM", "/usr/sbin/nginx", "-p", prefix,
				     "-c",	"nginx.conf",  "-e",   "error.log",	  NULL };
	const char *const envp[] = { inherited, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	const struct process_fd fds[] = { { fd, INHERITED_FD } };
	struct err e;

	file_put(dir, "nginx.conf", text);
	cr_assert(process_start(&w->program.process, argv, envp, fds, ARRAY_LEN(fds), &e) == 0, "%s", e.message);
}

static void start_apache(struct web *w, const char *dir, const char *docroot, bool fancy)
{
	static const char ready[] = "resuming normal operations";
	cleanup_free char *conf = text_of("%s/apache.conf", dir);
	const char *const argv[] = { "setpriv", "--pdeathsig", "TERM", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", conf, NULL };
	const char *m = apache_modules;

	/* As root it serves as somebody else. */
	cr_assert(chmod(site()->temp.path, 0755) == 0);
	/* It opens its port itself; another may have taken it in between. */
	for (int tries = 0; tries < 5; tries++) {
		close(listen_somewhere(&w->port));
		cleanup_free char *text =
			text_of(apache_text, dir, w->port, geteuid() == 0 ? "User nobody\nGroup nogroup\n" : "", m, m, m, m, dir,
				docroot, docroot, fancy ? "FancyIndexing HTMLTable VersionSort NameWidth=*" : "-FancyIndexing");
		file_put(dir, "apache.conf", text);
		program_start(&w->program, argv);
		if (program_wait_for(&w->program, ready))
			return;
		if (!strstr(buf_text(&w->program.err), "could not bind"))
			break;
		program_release(&w->program);
	}
	cr_assert_fail("apache2 does not start: %s", buf_text(&w->program.err));
}

void web_start(struct web *w, enum web_kind kind, const char *dir, const char *docroot)
{
	const char *program = kind == WEB_NGINX ? "/usr/sbin/nginx" : "/usr/sbin/apache2";
	struct err e;

	*w = (struct web){ .program = PROGRAM_NONE, .log = text_of("%s/access.log", dir) };
	if (!work_has(program))
		site_skip("'%s' is not installed (ci/setup installs it)", program);
	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	if (kind == WEB_NGINX)
		start_nginx(w, dir, docroot);
	else
		start_apache(w, dir, docroot, kind == WEB_APACHE_FANCY);
	w->url = text_of("http://127.0.0.1:%u", w->port);
}

void web_stop(struct web *w)
{
	if (!w->log)
		return;
	program_release(&w->program);
	free(w->url);
	free(w->log);
	*w = (struct web){ .program = PROGRAM_NONE };
}

static void read_log(const struct web *w, int status, size_t *ret_answers, size_t *ret_bytes)
{
	cleanup_buf struct buf text = { 0 };
	char *save = NULL;

	*ret_answers = *ret_bytes = 0;
	if (!file_is_there(w->log))
		return;
	file_bytes(w->log, &text);
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *rest;
		long got = strtol(line, &rest, 10);
		if (status && got != status)
			continue;
		(*ret_answers)++;
		*ret_bytes += strtoul(rest, NULL, 10);
	}
}

size_t web_answers(const struct web *w, int status)
{
	size_t answers, bytes;

	read_log(w, status, &answers, &bytes);
	return answers;
}

size_t web_bytes(const struct web *w)
{
	size_t answers, bytes;

	read_log(w, 0, &answers, &bytes);
	return bytes;
}

/* The server has it open for appending. */
void web_forget(struct web *w)
{
	if (file_is_there(w->log))
		cr_assert(truncate(w->log, 0) == 0);
}
