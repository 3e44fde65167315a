#include "signing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/process.h"
#include "tree.h"
#include "work.h"

void signing_make(struct signing *k, const char *dir, const char *name)
{
	cleanup_free char *user = text_of("%s <%s@example.org>", name, name);

	*k = (struct signing){ .home = text_of("%s/%s", dir, name), .keyring = text_of("%s/%s.gpg", dir, name) };
	cr_assert(mkdir(k->home, 0700) == 0);
	work("gpg", "--homedir", k->home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
	     "--quick-gen-key", user, "ed25519", "sign", "never", NULL);
	work("gpg", "--homedir", k->home, "--batch", "--output", k->keyring, "--export", NULL);
}

void signing_release(struct signing *k)
{
	if (!k->home)
		return;
	work("gpgconf", "--homedir", k->home, "--kill", "all", NULL);
	free(k->home);
	free(k->keyring);
	*k = (struct signing){ 0 };
}

void signing_inline(const struct signing *k, const char *file, const char *signed_file)
{
	work("gpg", "--homedir", k->home, "--batch", "--quiet", "--yes", "--output", signed_file, "--clearsign", file, NULL);
}

void signing_detached(const struct signing *k, const char *file, const char *signature)
{
	work("gpg", "--homedir", k->home, "--batch", "--quiet", "--yes", "--armor", "--output", signature, "--detach-sign", file,
	     NULL);
}

void signing_export(const struct signing *k, const char *file)
{
	work("gpg", "--homedir", k->home, "--batch", "--yes", "--armor", "--output", file, "--export", NULL);
}
