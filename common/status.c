#include "common/status.h"

#include <string.h>

static const struct {
	const char *name;
	const char *text;
	enum ov_class class;
} table[OV_STATUS_COUNT] = {
	[OV_OK] = { "OK", "success", OV_CLASS_NONE },
#define STATUS(n, c, t) [OV_##n] = { #n, t, OV_CLASS_##c },
#include "common/status.def"
#undef STATUS
};

static unsigned int
index_of(enum ov_status st)
{
	unsigned int i = (unsigned int)st;

	return i < OV_STATUS_COUNT ? i : OV_E_BUG;
}

const char *
ov_status_name(enum ov_status st)
{
	return table[index_of(st)].name;
}

const char *
ov_status_text(enum ov_status st)
{
	return table[index_of(st)].text;
}

enum ov_class
ov_status_class(enum ov_status st)
{
	return table[index_of(st)].class;
}

enum ov_status
ov_status_by_name(const char *name)
{
	for (unsigned int i = 0; i < OV_STATUS_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum ov_status)i;
	return OV_E_BUG;
}
