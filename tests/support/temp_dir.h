/* A directory for one test, below $TMPDIR or /tmp. */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

struct temp_dir {
	char path[96];
};

/* Fails the test when it can't. */
void temp_dir_make(struct temp_dir *d);
/* With all that is in it. */
void temp_dir_remove(struct temp_dir *d);
/* So that it can stand as `cleanup_temp_dir struct temp_dir d = { "" };`. */
#define cleanup_temp_dir __attribute__((cleanup(temp_dir_remove)))

#endif
