/* primary.xml, as createrepo_c(8) writes it: <metadata> with a <package> for each, its <name>, <version epoch ver rel>,
 * <checksum type>, <size package> and <location href>. Everything that the packages hold and require is read over. */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "index/choice.h"
#include "index/location.h"
#include "index/parse.h"
#include "index/reference.h"
#include "index/xml.h"

static const char metadata_space[] = "http://linux.duke.edu/metadata/common";

struct primary {
	struct item_out *out;
	struct choice choice;
	bool in_package;
	uint64_t entries;
	/* of the package that is being read; what is wrong with it counts only if it is wanted */
	struct buf name, version, checksum_type, checksum, size;
	struct location location;
	struct buf scratch;
};

static int begin_package(struct primary *p)
{
	p->in_package = true;
	p->entries++;
	buf_clear(&p->name);
	buf_clear(&p->version);
	buf_clear(&p->checksum_type);
	buf_clear(&p->checksum);
	buf_clear(&p->size);
	location_clear(&p->location);
	return 0;
}

static int read_version(struct primary *p, const struct xml_element *element, struct err *e)
{
	static const struct {
		const char *attribute, *before, *otherwise;
	} parts[] = { { "epoch", "", "0" }, { "ver", ":", NULL }, { "rel", "-", NULL } };

	buf_clear(&p->version);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (xml_attribute(element, parts[i].attribute, &p->scratch, e) < 0)
			return -1;
		const char *text = p->scratch.len ? p->scratch.data : parts[i].otherwise;
		if (text && (buf_puts(&p->version, parts[i].before, e) < 0 || buf_puts(&p->version, text, e) < 0))
			return -1;
	}
	return 0;
}

/* 1: the text is wanted, as xml_handler's. */
static int open_field(struct primary *p, const struct xml_element *element, struct err *e)
{
	const char *name = element->name;

	if (strcmp(name, "name") == 0)
		return 1;
	if (strcmp(name, "checksum") == 0)
		return xml_attribute(element, "type", &p->checksum_type, e) < 0 ? -1 : 1;
	if (strcmp(name, "version") == 0)
		return read_version(p, element, e);
	if (strcmp(name, "size") == 0)
		return xml_attribute(element, "package", &p->size, e) < 0 ? -1 : 0;
	if (strcmp(name, "location") == 0)
		return location_read(&p->location, element, e);
	return 0;
}

static int open_element(void *context, const struct xml_element *element, struct err *e)
{
	struct primary *p = context;

	if (element->depth == 0)
		return xml_expect(element, "metadata", metadata_space, e);
	if (element->depth == 1)
		return strcmp(element->name, "package") == 0 ? begin_package(p) : 0;
	return element->depth == 2 && p->in_package ? open_field(p, element, e) : 0;
}

static int put_package(struct primary *p, struct err *e)
{
	struct index_item item = { .is_package = true, .chosen = true, .from_root = true };

	if (location_reference(&p->location, &p->scratch, e) < 0 ||
	    checksum_read(buf_text(&p->checksum_type), buf_text(&p->checksum), &item, e) < 0 ||
	    (p->size.len && size_read(p->size.data, &item, e) < 0))
		return -1;
	item.reference = p->scratch.data;
	item.package = p->name.data;
	item.version = p->version.len ? p->version.data : NULL;
	return p->out->put(p->out, &item, e);
}

static int end_package(struct primary *p, struct err *e)
{
	p->in_package = false;
	if (!p->name.len || !p->location.href.len)
		return err_set(e, ERR_CORRUPT, "package %llu has no %s", (unsigned long long)p->entries,
			       p->name.len ? "location" : "name");
	const char *base = path_base(p->location.href.data);
	int rc = reference_decode(base, strlen(base), &p->scratch, e);
	if (rc > 0)
		rc = choice_takes(&p->choice, buf_text(&p->scratch), e);
	if (rc <= 0)
		return rc;
	return put_package(p, e) < 0 ? err_wrap(e, "package '%s'", p->name.data) : 0;
}

static int close_element(void *context, const struct xml_element *element, const char *text, struct err *e)
{
	struct primary *p = context;

	if (element->depth == 1)
		return p->in_package ? end_package(p, e) : 0;
	if (!text)
		return 0;
	struct buf *field = strcmp(element->name, "name") == 0 ? &p->name : &p->checksum;
	buf_clear(field);
	return buf_puts(field, text, e);
}

static void primary_release(struct primary *p)
{
	choice_release(&p->choice);
	buf_release(&p->name);
	buf_release(&p->version);
	buf_release(&p->checksum_type);
	buf_release(&p->checksum);
	buf_release(&p->size);
	location_release(&p->location);
	buf_release(&p->scratch);
}

int index_parse_primary(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			struct document_facts *ret, struct err *e)
{
	static const struct xml_handler handler = { open_element, close_element };
	struct primary p = { .out = out };

	(void)level;
	int rc = choice_init(&p.choice, rules, e);
	if (rc == 0)
		rc = xml_read(in, &handler, &p, e);
	if (rc == 0)
		*ret = (struct document_facts){ .entries = p.entries };
	primary_release(&p);
	return rc;
}
