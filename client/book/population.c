#include "client/book/population.h"

#include <ctype.h>
#include <string.h>

#define BAD OV_E_IMPORT_COLUMNS
#define VALUES 64

static const struct {
	const char *name;
	const char *values[VALUES]; /* folded, see fold() */
} built_in[] = {
	{ "customers",
	    { "customer", "customers", "customerdirect", "customerchannel",
		"activecustomer", "existingcustomer", "currentcustomer", "payingcustomer",
		"client", "clients", "evangelist", "closedwon", "won", "kunde", "kunden",
		"bestandskunde",
		/* as Salesforce and HubSpot write them in other languages */
		"geschlossenundgewonnen", "geschlossengewonnen",
		"abgeschlossenundgewonnen", "abgeschlossengewonnen", "gewonnen",
		"ferméegagnée", "fermégagné", "gagnée", "gagné", "conclue", "cliente",
		"clientes", "cerradaganada", "cierreganado", "cerradoganado", "ganado",
		"ganada", "fechadoeganho", "fechadoganho", "fechamentoganho",
		"negóciofechado", "ganho", "chiusavinta", "chiusovinto", "vinta", "vinto",
		"klant", "geslotenengewonnen", "gewonnendeal", "顧客", "成立", "成約",
		"受注" } },
	{ "open_opportunities",
	    { "openopportunity", "openopportunities", "opportunity", "opportunities",
		"openopp", "open", "opendeal", "pipeline", "inpipeline", "dealopen",
		"opportunité", "oportunidad", "oportunidade", "opportunità", "商談" } },
	{ "prospects",
	    { "prospect", "prospects", "lead", "closedlost", "lost",
		"geschlossenundverloren", "geschlossenverloren",
		"abgeschlossenundverloren", "abgeschlossenverloren", "verloren",
		"ferméeperdue", "ferméperdu", "perdue", "perdu", "cerradaperdida",
		"cierreperdido", "cerradoperdido", "perdido", "perdida",
		"fechadoeperdido", "fechadoperdido", "fechamentoperdido",
		"negócioperdido", "chiusapersa", "chiusoperso", "persa", "perso",
		"geslotenenverloren", "不成立", "失注", "リード", "見込み客" } },
};

/* Lower case letters of ASCII and Latin-1 (c3 80 to 9e are capitals), digits, and all
 * bytes above; nothing else.  0 bytes if it does not fit. */
static size_t
fold(char out[OV_POPULATION_VALUE_MAX + 1], const void *text, size_t len)
{
	const unsigned char *p = text;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x80 && !isalnum(p[i]))
			continue;
		if (n == OV_POPULATION_VALUE_MAX) {
			n = 0;
			break;
		}
		if (p[i] < 0x80)
			out[n++] = (char)tolower(p[i]);
		else if (i > 0 && p[i - 1] == 0xc3 && p[i] < 0x9f && p[i] != 0x97)
			out[n++] = (char)(p[i] | 0x20);
		else
			out[n++] = (char)p[i];
	}
	out[n] = '\0';
	return n;
}

static void
add_built_in_values(struct ov_populations *p, uint8_t population, size_t which)
{
	const char *const *value = built_in[which].values;

	for (size_t i = 0; i < VALUES && value[i] != NULL; i++) {
		struct ov_population_rule *r = &p->rule[p->n_rules++];

		memcpy(r->value, value[i], strlen(value[i]) + 1);
		r->population = population;
	}
}

void
ov_populations_default(struct ov_populations *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < 3; i++) {
		memcpy(out->name[i], built_in[i].name, strlen(built_in[i].name) + 1);
		add_built_in_values(out, (uint8_t)i, i);
	}
	out->n = 3;
	out->open_stage = 1;
	out->otherwise = 2;
}

bool
ov_population_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > OV_POPULATION_NAME_MAX || name[0] == ' ' ||
	    name[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

uint8_t
ov_population_find(const struct ov_populations *p, const char *name, size_t len)
{
	char want[OV_POPULATION_VALUE_MAX + 1], have[OV_POPULATION_VALUE_MAX + 1];

	if (fold(want, name, len) == 0)
		return OV_POPULATION_NONE;
	for (size_t i = 0; i < p->n; i++) {
		(void)fold(have, p->name[i], strlen(p->name[i]));
		if (strcmp(want, have) == 0)
			return (uint8_t)i;
	}
	return OV_POPULATION_NONE;
}

static const struct ov_population_rule *
find_rule(const struct ov_populations *p, const char *folded)
{
	for (size_t i = 0; i < p->n_rules; i++)
		if (strcmp(p->rule[i].value, folded) == 0)
			return &p->rule[i];
	return NULL;
}

/* One value of a population's list.  The owner's word goes before a built-in rule, but
 * the same value under two populations is a mistake. */
static enum ov_status
add_value(struct ov_populations *p, uint8_t population, const struct ov_yaml *v,
    struct ov_fault *fault)
{
	char folded[OV_POPULATION_VALUE_MAX + 1];

	if (v->kind != OV_YAML_TEXT || fold(folded, v->text, strlen(v->text)) == 0)
		return ov_fault_set(fault, BAD, v->line,
		    "a population's values are texts of up to 63 letters and digits");
	for (size_t i = 0; i < p->n_rules; i++)
		if (strcmp(p->rule[i].value, folded) == 0 &&
		    p->rule[i].population != population)
			return ov_fault_set(fault, BAD, v->line,
			    "`%s` stands under two populations; keep one", v->text);
	if (p->n_rules == OV_POPULATION_RULES_MAX)
		return ov_fault_set(
		    fault, BAD, v->line, "over 256 values of populations");
	memcpy(p->rule[p->n_rules].value, folded, sizeof(folded));
	p->rule[p->n_rules++].population = population;
	return OV_OK;
}

static enum ov_status
add_population(
    struct ov_populations *p, const struct ov_yaml *node, struct ov_fault *fault)
{
	enum ov_status st = OV_OK;

	if (!ov_population_name_ok(node->key) || p->n == OV_POPULATIONS_MAX ||
	    ov_population_find(p, node->key, strlen(node->key)) != OV_POPULATION_NONE)
		return ov_fault_set(fault, BAD, node->line,
		    "up to 15 populations, each with a name of its own of 1 to 32 bytes");
	if (node->kind == OV_YAML_MAP || (node->kind == OV_YAML_TEXT && *node->text))
		return ov_fault_set(fault, BAD, node->line,
		    "`%s` needs a list of the values that mean it, as in [Customer, "
		    "Closed Won]; [] for none",
		    node->key);
	memcpy(p->name[p->n++], node->key, strlen(node->key) + 1);
	for (const struct ov_yaml *v = node->first; v != NULL && st == OV_OK; v = v->next)
		st = add_value(p, (uint8_t)(p->n - 1), v, fault);
	return st;
}

/* Built-in values of built-in names, where the owner did not claim them. */
static void
complete(struct ov_populations *p)
{
	for (size_t b = 0; b < 3; b++) {
		uint8_t at =
		    ov_population_find(p, built_in[b].name, strlen(built_in[b].name));

		if (at == OV_POPULATION_NONE)
			continue;
		for (size_t i = 0; i < 16 && built_in[b].values[i] != NULL; i++)
			if (p->n_rules < OV_POPULATION_RULES_MAX &&
			    find_rule(p, built_in[b].values[i]) == NULL) {
				struct ov_population_rule *r = &p->rule[p->n_rules++];

				memcpy(r->value, built_in[b].values[i],
				    strlen(built_in[b].values[i]) + 1);
				r->population = at;
			}
	}
}

static enum ov_status
named(uint8_t *out, const struct ov_populations *p, const struct ov_yaml *node,
    struct ov_fault *fault)
{
	if (node == NULL)
		return OV_OK;
	*out = node->kind == OV_YAML_TEXT
		   ? ov_population_find(p, node->text, strlen(node->text))
		   : OV_POPULATION_NONE;
	if (*out != OV_POPULATION_NONE)
		return OV_OK;
	return ov_fault_set(fault, BAD, node->line,
	    "`%s` must name one of the populations of this file", node->key);
}

enum ov_status
ov_populations_read(struct ov_populations *out, const struct ov_yaml *populations,
    const struct ov_yaml *otherwise, const struct ov_yaml *open_stages,
    struct ov_fault *fault)
{
	struct ov_populations p;
	enum ov_status st;

	ov_populations_default(&p);
	if (populations != NULL) {
		memset(&p, 0, sizeof(p));
		OV_TRY(ov_yaml_want(populations, OV_YAML_MAP, BAD, "populations", fault));
		for (const struct ov_yaml *n = populations->first; n != NULL; n = n->next)
			OV_TRY(add_population(&p, n, fault));
		if (p.n == 0) {
			st = ov_fault_set(
			    fault, BAD, populations->line, "`populations` names none");
			goto done;
		}
		complete(&p);
		p.open_stage = ov_population_find(&p, "openopportunities", 17);
		p.otherwise = ov_population_find(&p, "prospects", 9);
		if (p.otherwise == OV_POPULATION_NONE)
			p.otherwise = (uint8_t)(p.n - 1);
	}
	OV_TRY(named(&p.otherwise, &p, otherwise, fault));
	OV_TRY(named(&p.open_stage, &p, open_stages, fault));
	*out = p;
	st = OV_OK;
done:
	return st;
}

/* What one cell says; OV_POPULATION_NONE: nothing. */
static uint8_t
sign_of(const struct ov_populations *p, struct ov_bytes cell)
{
	char folded[OV_POPULATION_VALUE_MAX + 1];
	const struct ov_population_rule *r;

	if (fold(folded, cell.p, cell.len) == 0)
		return OV_POPULATION_NONE;
	r = find_rule(p, folded);
	return r != NULL ? r->population : OV_POPULATION_NONE;
}

/* "-" and the like, for an empty cell. */
static bool
is_dash(struct ov_bytes cell)
{
	for (size_t i = 0; i < cell.len; i++)
		if (cell.p[i] >= 0x80 || isalnum(cell.p[i]))
			return false;
	return true;
}

bool
ov_population_is_told(struct ov_bytes cell)
{
	return !is_dash(cell);
}

enum answer { SILENT, NO, YES };

static enum answer
answer_of(struct ov_bytes cell)
{
	static const char *const yes[] = { "1", "true", "yes", "y", "t", "x", "ja", "oui",
		"wahr", "vrai" };
	char folded[OV_POPULATION_VALUE_MAX + 1];

	if (fold(folded, cell.p, cell.len) == 0)
		return SILENT;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcmp(folded, yes[i]) == 0)
			return YES;
	return NO;
}

static uint8_t
deal_sign(const struct ov_populations *p, const struct ov_population_signs *signs)
{
	enum answer won = answer_of(signs->won), lost = answer_of(signs->lost),
		    closed = answer_of(signs->closed);
	char folded[OV_POPULATION_VALUE_MAX + 1];
	uint8_t s = sign_of(p, signs->stage);

	if (s != OV_POPULATION_NONE)
		return s;
	if (won == YES)
		return sign_of(p, OV_LITERAL("closedwon"));
	if (lost == YES || closed == YES)
		return sign_of(p, OV_LITERAL("closedlost"));
	if (fold(folded, signs->stage.p, signs->stage.len) > 0)
		return strncmp(folded, "closed", 6) != 0 ? p->open_stage
							 : OV_POPULATION_NONE;
	return won == NO || closed == NO ? p->open_stage : OV_POPULATION_NONE;
}

bool
ov_population_of(uint8_t *out, const struct ov_populations *p,
    const struct ov_population_signs *signs, uint8_t fallback)
{
	uint8_t best = OV_POPULATION_NONE, s;

	if (signs->population.len > 0) {
		best = ov_population_find(
		    p, (const char *)signs->population.p, signs->population.len);
		if (best == OV_POPULATION_NONE)
			best = sign_of(p, signs->population);
		*out = best;
		if (best != OV_POPULATION_NONE || !is_dash(signs->population))
			return best != OV_POPULATION_NONE;
	}
	/* NONE is the largest value, so the least is the first in the owner's order */
	best = sign_of(p, signs->type);
	s = sign_of(p, signs->lifecycle);
	best = s < best ? s : best;
	s = deal_sign(p, signs);
	best = s < best ? s : best;
	*out = best != OV_POPULATION_NONE ? best : fallback;
	return true;
}
