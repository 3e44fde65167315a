/* repomd.xml, as createrepo_c(8) writes it: <repomd> with one <data type="..."> for each file of metadata. */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/location.h"
#include "index/parse.h"
#include "index/xml.h"

static const char repomd_space[] = "http://linux.duke.edu/metadata/repo";

struct repomd {
	struct item_out *out;
	struct buf scratch, checksum_type, reference;
	struct location location;
	struct index_item item;
	uint64_t entries;
	bool is_signed, in_primary, found;
};

static int open_data(struct repomd *r, const struct xml_element *element, struct err *e)
{
	r->entries++;
	if (xml_attribute(element, "type", &r->scratch, e) < 0)
		return -1;
	r->in_primary = strcmp(buf_text(&r->scratch), "primary") == 0;
	if (r->in_primary && r->found)
		return err_set(e, ERR_CORRUPT, "has more than one primary");
	return 0;
}

static int open_element(void *context, const struct xml_element *element, struct err *e)
{
	struct repomd *r = context;

	if (element->depth == 0)
		return xml_expect(element, "repomd", repomd_space, e);
	if (element->depth == 1) {
		r->in_primary = false;
		return strcmp(element->name, "data") == 0 ? open_data(r, element, e) : 0;
	}
	if (element->depth != 2 || !r->in_primary)
		return 0;
	if (strcmp(element->name, "checksum") == 0)
		return xml_attribute(element, "type", &r->checksum_type, e) < 0 ? -1 : 1;
	if (strcmp(element->name, "location") == 0)
		return location_read(&r->location, element, e);
	return strcmp(element->name, "size") == 0;
}

static int put_primary(struct repomd *r, struct err *e)
{
	if (r->is_signed && !r->item.digest_known)
		return err_set(e, ERR_CORRUPT, "primary: it has no sha256, so that the signature says nothing of it");
	if (location_reference(&r->location, &r->reference, e) < 0)
		return err_wrap(e, "primary");
	r->found = true;
	r->item.document = DOCUMENT_PRIMARY;
	r->item.reference = r->reference.data;
	r->item.from_root = true;
	return r->out->put(r->out, &r->item, e);
}

static int close_element(void *context, const struct xml_element *element, const char *text, struct err *e)
{
	struct repomd *r = context;

	if (r->in_primary && element->depth == 1)
		return put_primary(r, e);
	if (!text)
		return 0;
	if (strcmp(element->name, "checksum") == 0)
		return checksum_read(buf_text(&r->checksum_type), text, &r->item, e);
	return size_read(text, &r->item, e);
}

int index_parse_repomd(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
		       struct document_facts *ret, struct err *e)
{
	static const struct xml_handler handler = { open_element, close_element };
	struct repomd r = { .out = out, .is_signed = rules->keyring };

	(void)level;
	int rc = xml_read(in, &handler, &r, e);
	if (rc == 0 && !r.found)
		rc = err_set(e, ERR_CORRUPT, "names no primary");
	if (rc == 0)
		*ret = (struct document_facts){ .entries = r.entries };
	buf_release(&r.scratch);
	buf_release(&r.checksum_type);
	buf_release(&r.reference);
	location_release(&r.location);
	return rc;
}
