#include "client/book/yaml.h"

#include <yaml.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct node {
	struct ov_yaml pub;
	struct node *last;  /* child added last */
	struct node *chain; /* all nodes, for freeing */
	char *key_text, *value_text;
};

struct ov_yaml_doc {
	struct node *top, *all;
	size_t n;
};

struct builder {
	struct ov_yaml_doc *doc;
	enum ov_status status;
	struct ov_fault *fault;
	struct node *open[OV_YAML_DEPTH_MAX];
	size_t depth;
	char *key; /* read, its value comes next; owned */
	uint64_t key_line;
};

static enum ov_status
no_memory(void)
{
	return OV_E_NOMEM;
}

/* n bytes of a scalar as text; refuses NUL. */
static enum ov_status
copy_text(char **out, const struct builder *b, const yaml_event_t *e)
{
	size_t len = e->data.scalar.length;

	if (memchr(e->data.scalar.value, 0, len) != NULL)
		return ov_fault_set(
		    b->fault, b->status, e->start_mark.line + 1, "a zero character");
	*out = malloc(len + 1);
	if (*out == NULL)
		return no_memory();
	memcpy(*out, e->data.scalar.value, len);
	(*out)[len] = '\0';
	return OV_OK;
}

static enum ov_status
add_node(
    struct node **out, struct builder *b, enum ov_yaml_kind kind, const yaml_event_t *e)
{
	uint64_t line = b->key != NULL ? b->key_line : e->start_mark.line + 1;
	struct node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL, *node;

	if (b->doc->n >= OV_YAML_NODES_MAX)
		return ov_fault_set(
		    b->fault, b->status, line, "the file has too many entries");
	if (b->key != NULL && ov_yaml_get(&parent->pub, b->key) != NULL)
		return ov_fault_set(b->fault, b->status, line,
		    "`%s` stands twice here; keep one", b->key);
	node = calloc(1, sizeof(*node));
	if (node == NULL)
		return no_memory();
	node->chain = b->doc->all;
	b->doc->all = node;
	b->doc->n++;
	node->pub.kind = kind;
	node->pub.line = line;
	node->pub.key = node->key_text = b->key;
	b->key = NULL;
	if (parent == NULL) {
		b->doc->top = node;
	} else {
		if (parent->last != NULL)
			parent->last->pub.next = &node->pub;
		else
			parent->pub.first = &node->pub;
		parent->last = node;
		parent->pub.n++;
	}
	*out = node;
	return OV_OK;
}

static enum ov_status
on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct node *node, *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	enum ov_status st;

	if (parent != NULL && parent->pub.kind == OV_YAML_MAP && b->key == NULL) {
		b->key_line = e->start_mark.line + 1;
		return copy_text(&b->key, b, e);
	}
	if ((st = add_node(&node, b, OV_YAML_TEXT, e)) != OV_OK)
		return st;
	st = copy_text(&node->value_text, b, e);
	node->pub.text = node->value_text;
	return st;
}

static enum ov_status
on_open(struct builder *b, enum ov_yaml_kind kind, const yaml_event_t *e)
{
	struct node *node, *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	uint64_t line = e->start_mark.line + 1;
	enum ov_status st;

	if (b->depth == OV_YAML_DEPTH_MAX)
		return ov_fault_set(b->fault, b->status, line, "nested too deeply");
	if (parent != NULL && parent->pub.kind == OV_YAML_MAP && b->key == NULL)
		return ov_fault_set(
		    b->fault, b->status, line, "a list or map cannot be a name");
	if ((st = add_node(&node, b, kind, e)) == OV_OK)
		b->open[b->depth++] = node;
	return st;
}

static enum ov_status
refuse_anchor(const struct builder *b, const yaml_event_t *e)
{
	return ov_fault_set(b->fault, b->status, e->start_mark.line + 1,
	    "anchors (&), references (*) and tags (!) are not used here; quote the text "
	    "if it begins with one of these signs");
}

static enum ov_status
on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL)
			return refuse_anchor(b, e);
		return on_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor != NULL ||
		    e->data.sequence_start.tag != NULL)
			return refuse_anchor(b, e);
		return on_open(b, OV_YAML_LIST, e);
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor != NULL ||
		    e->data.mapping_start.tag != NULL)
			return refuse_anchor(b, e);
		return on_open(b, OV_YAML_MAP, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return OV_OK;
	case YAML_ALIAS_EVENT:
		return refuse_anchor(b, e);
	case YAML_DOCUMENT_START_EVENT:
		if (b->doc->top != NULL)
			return ov_fault_set(b->fault, b->status, e->start_mark.line + 1,
			    "a second document begins here; one file holds one");
		return OV_OK;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return OV_OK;
	}
	return OV_E_BUG;
}

/* What the parser found, and where it has few words for what people do, more. */
static const char *
words_of(const yaml_parser_t *parser)
{
	if (parser->problem == NULL)
		return "bad text";
	if (strstr(parser->problem, "cannot start any token") != NULL)
		return "a tab, or a sign such as @ or %, where something begins: indent "
		       "with spaces, and put such text in quotes";
	return parser->problem;
}

static enum ov_status
run_parser(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	enum ov_status st = OV_OK;
	yaml_event_t e;

	while (st == OV_OK && type != YAML_STREAM_END_EVENT) {
		if (!yaml_parser_parse(parser, &e)) {
			if (parser->error == YAML_MEMORY_ERROR)
				return no_memory();
			return ov_fault_set(b->fault, b->status,
			    parser->problem_mark.line + 1, "this is not YAML: %s%s%s",
			    words_of(parser), parser->context != NULL ? ", " : "",
			    parser->context != NULL ? parser->context : "");
		}
		type = e.type;
		st = on_event(b, &e);
		yaml_event_delete(&e);
	}
	return st;
}

static enum ov_status
ensure_map(struct builder *b)
{
	yaml_event_t none;
	struct node *node;

	memset(&none, 0, sizeof(none));
	if (b->doc->top == NULL)
		return add_node(&node, b, OV_YAML_MAP, &none);
	if (b->doc->top->pub.kind == OV_YAML_TEXT &&
	    b->doc->top->pub.text[0] == '\0') /* `---` alone */
		b->doc->top->pub.kind = OV_YAML_MAP;
	if (b->doc->top->pub.kind != OV_YAML_MAP)
		return ov_fault_set(b->fault, b->status, b->doc->top->pub.line,
		    "the file must hold `name: value` lines");
	return OV_OK;
}

enum ov_status
ov_yaml_read(struct ov_yaml_doc **out, enum ov_status status, const void *bytes,
    size_t len, struct ov_fault *fault)
{
	struct builder b = { .status = status, .fault = fault };
	yaml_parser_t parser;
	enum ov_status st;

	*out = NULL;
	if (len > OV_YAML_BYTES_MAX)
		return ov_fault_set(fault, status, 0, "the file is over 256 KiB");
	b.doc = calloc(1, sizeof(*b.doc));
	if (b.doc == NULL || !yaml_parser_initialize(&parser)) {
		free(b.doc);
		return no_memory();
	}
	yaml_parser_set_input_string(&parser, bytes, len);
	OV_TRY(run_parser(&b, &parser));
	OV_TRY(ensure_map(&b));
	*out = b.doc;
	b.doc = NULL;
done:
	yaml_parser_delete(&parser);
	free(b.key);
	ov_yaml_free(b.doc);
	return st;
}

enum ov_status
ov_yaml_read_file(struct ov_yaml_doc **out, enum ov_status status, const char *path,
    struct ov_fault *fault)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(OV_YAML_BYTES_MAX + 1);
	enum ov_status st = OV_OK;
	size_t len;

	*out = NULL;
	if (f == NULL) {
		st = ov_fault_set(fault, errno == ENOENT ? OV_E_NOT_FOUND : OV_E_IO, 0,
		    "cannot be opened: %s", strerror(errno));
		goto done;
	}
	OV_REQUIRE(bytes != NULL, OV_E_NOMEM);
	len = fread(bytes, 1, OV_YAML_BYTES_MAX + 1, f);
	if (ferror(f)) {
		st = ov_fault_set(
		    fault, OV_E_IO, 0, "cannot be read: %s", strerror(errno));
		goto done;
	}
	OV_TRY(ov_yaml_read(out, status, bytes, len, fault));
done:
	free(bytes);
	if (f != NULL)
		(void)fclose(f); /* read only */
	return st;
}

void
ov_yaml_free(struct ov_yaml_doc *doc)
{
	struct node *node, *next;

	if (doc == NULL)
		return;
	for (node = doc->all; node != NULL; node = next) {
		next = node->chain;
		free(node->key_text);
		free(node->value_text);
		free(node);
	}
	free(doc);
}

const struct ov_yaml *
ov_yaml_top(const struct ov_yaml_doc *doc)
{
	return &doc->top->pub;
}

const struct ov_yaml *
ov_yaml_get(const struct ov_yaml *map, const char *key)
{
	if (map->kind != OV_YAML_MAP)
		return NULL;
	for (const struct ov_yaml *c = map->first; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

enum ov_status
ov_yaml_want(const struct ov_yaml *node, enum ov_yaml_kind kind, enum ov_status status,
    const char *what, struct ov_fault *fault)
{
	static const char *const kinds[] = { [OV_YAML_TEXT] = "one value",
		[OV_YAML_LIST] = "a list, as in [a, b]",
		[OV_YAML_MAP] = "`name: value` lines" };

	if (node->kind == kind && (kind != OV_YAML_TEXT || node->text[0] != '\0'))
		return OV_OK;
	return ov_fault_set(
	    fault, status, node->line, "`%s` must be %s", what, kinds[kind]);
}

static bool
is_among(const char *key, const char *const *allowed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, allowed[i]) == 0)
			return true;
	return false;
}

enum ov_status
ov_yaml_only(const struct ov_yaml *map, const char *const *allowed, size_t n,
    enum ov_status status, struct ov_fault *fault)
{
	char list[320] = "";
	size_t len = 0;

	for (const struct ov_yaml *c = map->first; c != NULL; c = c->next) {
		if (is_among(c->key, allowed, n))
			continue;
		for (size_t i = 0; i < n && len < sizeof(list); i++)
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
			    i > 0 ? ", " : "", allowed[i]);
		return ov_fault_set(fault, status, c->line,
		    "`%s` is not a setting here; there are: %s", c->key, list);
	}
	return OV_OK;
}

enum ov_status
ov_yaml_bool(
    bool *out, const struct ov_yaml *node, enum ov_status status, struct ov_fault *fault)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	if (node->kind == OV_YAML_TEXT)
		for (size_t i = 0; i < 6; i++)
			if (strcasecmp(node->text, words[i]) == 0) {
				*out = i % 2 == 1;
				return OV_OK;
			}
	return ov_fault_set(fault, status, node->line, "`%s` must be yes or no",
	    node->key != NULL ? node->key : "this entry");
}

enum ov_status
ov_yaml_count(uint64_t *out, const struct ov_yaml *node, uint64_t min, uint64_t max,
    enum ov_status status, struct ov_fault *fault)
{
	const char *p = node->kind == OV_YAML_TEXT ? node->text : "";
	uint64_t v = 0;
	bool ok = *p >= '0' && *p <= '9';

	for (; ok && *p != '\0'; p++) {
		if (*p == '_' && p[1] >= '0' && p[1] <= '9')
			continue;
		ok = *p >= '0' && *p <= '9' && v <= (UINT64_MAX - 9) / 10;
		if (ok)
			v = v * 10 + (uint64_t)(*p - '0');
	}
	if ((!ok || v != min) && min == max && node->key != NULL &&
	    strcmp(node->key, "version") == 0)
		return ov_fault_set(fault, status, node->line,
		    "`version` must be %" PRIu64 "; this release knows no other", min);
	if (!ok || v < min || v > max)
		return ov_fault_set(fault, status, node->line,
		    "`%s` must be a whole number from %" PRIu64 " to %" PRIu64,
		    node->key != NULL ? node->key : "this entry", min, max);
	*out = v;
	return OV_OK;
}
