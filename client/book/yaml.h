/* yaml.h - reads a small YAML file of settings into a tree that knows its lines.
 *
 * The only user of libyaml.  A schema library cannot say on which line a value stands
 * that is well-formed but wrong, and every message here must; so this is libyaml's event
 * stream and nothing else.  One document of maps, lists and text; anchors, aliases, tags
 * and a key that stands twice are refused, size, depth and nodes are bounded.
 */
#ifndef OV_CLIENT_BOOK_YAML_H
#define OV_CLIENT_BOOK_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/book/fault.h"
#include "common/status.h"

#define OV_YAML_BYTES_MAX (256U * 1024)
#define OV_YAML_DEPTH_MAX 12
#define OV_YAML_NODES_MAX 20000

enum ov_yaml_kind { OV_YAML_TEXT, OV_YAML_LIST, OV_YAML_MAP };

/* Owned by the document; read only. */
struct ov_yaml {
	enum ov_yaml_kind kind;
	uint64_t line;		     /* 1-based, of its key if it has one */
	const char *key;	     /* inside a map, else NULL */
	const char *text;	     /* OV_YAML_TEXT: UTF-8 without NUL, else NULL */
	const struct ov_yaml *first; /* OV_YAML_LIST, OV_YAML_MAP: children in order */
	const struct ov_yaml *next;
	size_t n; /* children */
};

struct ov_yaml_doc;

/* Reads len bytes, or the file at path.  An empty document is an empty map.  status is
 * what a bad file is reported as (OV_E_POLICY_INVALID ...), with line and words in fault;
 * OV_E_IO (with the system's reason in fault) and OV_E_NOMEM as they are.  Free *out with
 * ov_yaml_free; NULL on failure. */
OV_MUST_CHECK enum ov_status ov_yaml_read(struct ov_yaml_doc **out, enum ov_status status,
    const void *bytes, size_t len, struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_yaml_read_file(struct ov_yaml_doc **out,
    enum ov_status status, const char *path, struct ov_fault *fault);
void ov_yaml_free(struct ov_yaml_doc *doc); /* NULL is fine */

/* The top node; always a map (anything else is refused on reading). */
const struct ov_yaml *ov_yaml_top(const struct ov_yaml_doc *doc);

/* The value under key, NULL if there is none or map is no map. */
const struct ov_yaml *ov_yaml_get(const struct ov_yaml *map, const char *key);

/* Refuses with status a node of another kind ("populations must be a list of names"),
 * and a map with a key that is not among the n allowed: names both, and the line. */
OV_MUST_CHECK enum ov_status ov_yaml_want(const struct ov_yaml *node,
    enum ov_yaml_kind kind, enum ov_status status, const char *what,
    struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_yaml_only(const struct ov_yaml *map,
    const char *const *allowed, size_t n, enum ov_status status, struct ov_fault *fault);

/* Typed values of the text node; refused with status, the line and the bounds.
 * bool: yes, no, true, false, on, off.  count: decimal digits, `_` between them allowed.
 */
OV_MUST_CHECK enum ov_status ov_yaml_bool(
    bool *out, const struct ov_yaml *node, enum ov_status status, struct ov_fault *fault);
OV_MUST_CHECK enum ov_status ov_yaml_count(uint64_t *out, const struct ov_yaml *node,
    uint64_t min, uint64_t max, enum ov_status status, struct ov_fault *fault);

#endif /* OV_CLIENT_BOOK_YAML_H */
