#include "gate/bpf_names.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c);
}

static void blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

void bpf_names_strip(char *text)
{
	for (char *at = text; (at = strchr(at, '/')); at++) {
		char *end = NULL;
		if (at[1] == '*') {
			end = strstr(at + 2, "*/");
			end = end ? end + 2 : strchr(at, '\0');
		} else if (at[1] == '/') {
			end = strchrnul(at, '\n');
		}
		if (end) {
			blank(at, end);
			at = end - 1;
		}
	}
}

/* The next place where the word stands as such; NULL: none. */
static const char *find_word(const char *text, const char *word, const char *start)
{
	size_t len = strlen(word);

	for (const char *at = start; len && (at = strstr(at, word)); at++)
		if ((at == text || !is_word(at[-1])) && !is_word(at[len]))
			return at;
	return NULL;
}

bool bpf_names_has(const char *text, const char *identifier)
{
	return find_word(text, identifier, text) != NULL;
}

/* Behind the last line of a definition: its lines end in backslashes but for the last. */
static const char *definition_end(const char *at)
{
	const char *end = strchrnul(at, '\n');

	while (*end && end > at && end[-1] == '\\')
		end = strchrnul(end + 1, '\n');
	return end;
}

static unsigned count_entries(const char *text, const char *from)
{
	const char *end = definition_end(from);
	unsigned count = 0;

	for (const char *at = from; (at = find_word(text, "FN", at)) && at < end; at++)
		count += at[2] == '(';
	return count;
}

unsigned bpf_names_helpers(const char *text)
{
	static const char *const mappers[] = { "___BPF_FUNC_MAPPER", "__BPF_FUNC_MAPPER" };
	unsigned most = 0;

	for (size_t i = 0; i < sizeof(mappers) / sizeof(mappers[0]); i++)
		for (const char *at = text; (at = find_word(text, mappers[i], at)); at++) {
			unsigned count = count_entries(text, at);
			most = count > most ? count : most;
		}
	/* The first is unspec, which is none. */
	return most ? most - 1 : 0;
}
