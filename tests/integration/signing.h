/* A throw-away OpenPGP key, made by gpg(1) in a directory of the test. */
#ifndef TESTS_INTEGRATION_SIGNING_H
#define TESTS_INTEGRATION_SIGNING_H

struct signing {
	char *home;    /* gpg's own; with an agent that signing_release ends */
	char *keyring; /* the public key, as gpgv takes it */
};

/* Below dir, which must be short: a socket lies there. Fails the test when it can't, as all of these. */
void signing_make(struct signing *k, const char *dir, const char *name);
void signing_release(struct signing *k);

/* Puts a signature around the text of a file: apt's InRelease. */
void signing_inline(const struct signing *k, const char *file, const char *signed_file);
/* A signature beside the file, in ASCII. */
void signing_detached(const struct signing *k, const char *file, const char *signature);
/* The public key in ASCII, as repositories publish theirs. */
void signing_export(const struct signing *k, const char *file);

#endif
