/*
 * buyer_model.c
 *		The type buyer_model: parameters, and what they are worth; or why there are none.
 *
 * Text is the kind and name=value in any order: mbg/nbd r=0.52 alpha=6.2 a=0.89 b=1.6.  Times are in weeks.
 */
#include "value/buyer.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#define STORED_VERSION 1
#define NUM_FIELDS 13
#define FIRST_SPEND 5

/* As it is stored; the type's storage is plain, so nothing shortens the header. */
typedef struct StoredModel
{
	int32		vl_len_;
	uint8		version;
	uint8		kind;
	uint8		problem;
	uint8		spend_problem;
	double		field[NUM_FIELDS];
} StoredModel;

StaticAssertDecl(offsetof(StoredModel, field) == 8, "stored layout");
StaticAssertDecl(sizeof(StoredModel) == 8 + 8 * NUM_FIELDS, "stored layout");

/* Order is stored; ranges hold for every way in. */
static const struct
{
	const char *name;
	const char *pareto;			/* its name there */
	double		low;
	double		high;
}			fields[NUM_FIELDS] = {
	{"r", "r", 1e-9, 1e9},
	{"alpha", "alpha", 1e-9, 1e9},
	{"a", "s", 1e-9, 1e9},
	{"b", "beta", 1e-9, 1e9},
	{"log_likelihood", "log_likelihood", -1e300, 1e300},
	{"p", "p", 1e-9, 1e9},
	{"q", "q", 1.000001, 1e9},
	{"v", "v", 1e-9, 1e15},
	{"spend_log_likelihood", "spend_log_likelihood", -1e300, 1e300},
	{"spend_correlation", "spend_correlation", -1.000001, 1.000001},
	{"customers", "customers", 0, 9007199254740992.0},
	{"repeat_customers", "repeat_customers", 0, 9007199254740992.0},
	{"iterations", "iterations", 0, 4294967295.0},
};

static const char *const kinds[] = {NULL, "bg/nbd", "mbg/nbd", "pareto/nbd"};
static const struct
{
	const char *name;
	const char *text;
}			problems[] = {
	{"none", NULL},
	{"few", "fewer than 100 customers ordered again"},
	{"short", "customers are observed for less than 8 weeks"},
	{"no_dropout", "no drop-out is visible: the data are as likely if every customer stays forever"},
	{"edge", "the likelihood has no maximum within reasonable parameters"},
	{"lost", "the search for the maximum did not end"},
	{"no_spend", "no values of repeat orders above 0"},
};

const char *
buyer_kind_name(BuyerKind kind)
{
	return kinds[kind];
}

const char *
buyer_problem_text(BuyerProblem problem)
{
	return problems[problem].text;
}

BuyerKind
buyer_kind(const char *name)
{
	for (int i = 1; i < lengthof(kinds); i++)
		if (pg_strcasecmp(name, kinds[i]) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no buyer model \"%.40s\"", name),
			 errhint("Models are bg/nbd, mbg/nbd and pareto/nbd.")));
	return 0;
}

/* ---------------------------------------------------------------- struct and fields */

static void
set_fields(const BuyerModel *m, double *field)
{
	const double all[NUM_FIELDS] = {m->r, m->alpha, m->a, m->b, m->log_likelihood, m->p, m->q, m->v,
		m->spend_log_likelihood, m->spend_correlation, m->customers, m->repeaters, m->iterations};

	memcpy(field, all, sizeof(all));
}

static void
take_fields(BuyerModel *m, const double *f)
{
	m->r = f[0];
	m->alpha = f[1];
	m->a = f[2];
	m->b = f[3];
	m->log_likelihood = f[4];
	m->p = f[5];
	m->q = f[6];
	m->v = f[7];
	m->spend_log_likelihood = f[8];
	m->spend_correlation = f[9];
	m->customers = (uint64) f[10];
	m->repeaters = (uint64) f[11];
	m->iterations = (uint32) f[12];
}

/* What a problem leaves without a meaning. */
static bool
is_field_absent(const StoredModel *s, int i)
{
	return (i < FIRST_SPEND && s->problem != BUYER_FITTED) || (i >= FIRST_SPEND && i < FIRST_SPEND + 4 && s->spend_problem != BUYER_FITTED);
}

/* Text and binary input both end here. */
static bytea *
check_and_form(StoredModel *s)
{
	for (int i = 0; i < NUM_FIELDS; i++)
	{
		/* text leaves out what is 0, so there is no -0 either */
		if (is_field_absent(s, i) || s->field[i] == 0)
			s->field[i] = 0;
		if (is_field_absent(s, i))
			continue;
		if (!(s->field[i] >= fields[i].low && s->field[i] <= fields[i].high))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("%s of buyer_model is missing or out of range: %g", s->kind == BUYER_PARETO ? fields[i].pareto : fields[i].name, s->field[i]),
					 errdetail("It must be between %g and %g.", fields[i].low, fields[i].high)));
	}
	for (int i = 10; i < NUM_FIELDS; i++)
		s->field[i] = floor(s->field[i]);
	s->version = STORED_VERSION;
	SET_VARSIZE(s, sizeof(StoredModel));
	return (bytea *) s;
}

bytea *
buyer_model_form(const BuyerModel *m)
{
	StoredModel *s = palloc0(sizeof(StoredModel));

	s->kind = m->kind;
	s->problem = m->problem;
	s->spend_problem = m->spend_problem;
	set_fields(m, s->field);
	return check_and_form(s);
}

void
buyer_model_read(bytea *value, BuyerModel *m)
{
	StoredModel *s = (StoredModel *) value;

	if (VARSIZE(value) != sizeof(StoredModel) || s->version != STORED_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type buyer_model is damaged")));
	m->kind = s->kind;
	m->problem = s->problem;
	m->spend_problem = s->spend_problem;
	take_fields(m, s->field);
}

/* ---------------------------------------------------------------- text */

static void
bad_word(const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed buyer_model literal at \"%.40s\"", word),
			 errhint("A buyer_model is written like: mbg/nbd r=0.52 alpha=6.2 a=0.89 b=1.6 p=6.2 q=3.7 v=15.4")));
}

static uint8
problem_named(const char *name, const char *word)
{
	for (int i = 0; i < lengthof(problems); i++)
		if (strcmp(name, problems[i].name) == 0)
			return i;
	bad_word(word);
	return 0;
}

static void
take_word(StoredModel *s, char *word, bool *has_spend_problem)
{
	char	   *value = strchr(word, '=');
	char	   *end;

	if (value == NULL)
		bad_word(word);
	*value++ = '\0';
	if (strcmp(word, "problem") == 0)
		s->problem = problem_named(value, word);
	else if (strcmp(word, "spend_problem") == 0)
	{
		s->spend_problem = problem_named(value, word);
		*has_spend_problem = true;
	}
	else
	{
		int			i = 0;

		while (i < NUM_FIELDS && strcmp(word, s->kind == BUYER_PARETO ? fields[i].pareto : fields[i].name) != 0)
			i++;
		if (i == NUM_FIELDS)
			bad_word(word);
		s->field[i] = strtod(value, &end);
		if (end == value || *end != '\0')
			bad_word(value);
	}
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_in);
Datum
personalize_buyer_model_in(PG_FUNCTION_ARGS)
{
	char	   *text = pstrdup(PG_GETARG_CSTRING(0));
	char	   *rest;
	char	   *word = strtok_r(text, " \t\n\r\v\f", &rest);
	StoredModel *s = palloc0(sizeof(StoredModel));
	bool		has_spend_problem = false;

	if (word == NULL)
		bad_word("");
	s->kind = buyer_kind(word);
	while ((word = strtok_r(NULL, " \t\n\r\v\f", &rest)) != NULL)
		take_word(s, word, &has_spend_problem);
	/* a model of times alone need not say so */
	if (!has_spend_problem && s->field[5] == 0 && s->field[6] == 0 && s->field[7] == 0)
		s->spend_problem = BUYER_NO_SPEND;
	PG_RETURN_BYTEA_P(check_and_form(s));
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_out);
Datum
personalize_buyer_model_out(PG_FUNCTION_ARGS)
{
	BuyerModel	m;
	StoredModel *s = (StoredModel *) PG_GETARG_BYTEA_P(0);
	StringInfoData out;
	char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

	buyer_model_read((bytea *) s, &m);
	initStringInfo(&out);
	appendStringInfoString(&out, kinds[s->kind]);
	if (s->problem != BUYER_FITTED)
		appendStringInfo(&out, " problem=%s", problems[s->problem].name);
	if (s->spend_problem != BUYER_FITTED)
		appendStringInfo(&out, " spend_problem=%s", problems[s->spend_problem].name);
	for (int i = 0; i < NUM_FIELDS; i++)
	{
		if (is_field_absent(s, i) || s->field[i] == 0)
			continue;
		double_to_shortest_decimal_buf(s->field[i], number);
		appendStringInfo(&out, " %s=%s", s->kind == BUYER_PARETO ? fields[i].pareto : fields[i].name, number);
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_recv);
Datum
personalize_buyer_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	StoredModel *s = palloc0(sizeof(StoredModel));
	int			version = pq_getmsgbyte(in);

	s->kind = pq_getmsgbyte(in);
	s->problem = pq_getmsgbyte(in);
	s->spend_problem = pq_getmsgbyte(in);
	if (version != 1 || s->kind < BUYER_BG || s->kind > BUYER_PARETO || s->problem > BUYER_NO_SPEND || s->spend_problem > BUYER_NO_SPEND)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("buyer_model has an invalid binary form"),
				 errdetail("Format %d, kind %d, problems %d and %d.", version, s->kind, s->problem, s->spend_problem)));
	for (int i = 0; i < NUM_FIELDS; i++)
		s->field[i] = pq_getmsgfloat8(in);
	PG_RETURN_BYTEA_P(check_and_form(s));
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_send);
Datum
personalize_buyer_model_send(PG_FUNCTION_ARGS)
{
	BuyerModel	m;
	StoredModel *s = (StoredModel *) PG_GETARG_BYTEA_P(0);
	StringInfoData out;

	buyer_model_read((bytea *) s, &m);
	pq_begintypsend(&out);
	pq_sendbyte(&out, 1);
	pq_sendbyte(&out, s->kind);
	pq_sendbyte(&out, s->problem);
	pq_sendbyte(&out, s->spend_problem);
	for (int i = 0; i < NUM_FIELDS; i++)
		pq_sendfloat8(&out, s->field[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_problem);
Datum
personalize_buyer_model_problem(PG_FUNCTION_ARGS)
{
	BuyerModel	m;

	buyer_model_read(PG_GETARG_BYTEA_P(0), &m);
	if (m.problem == BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problems[m.problem].text));
}

/* A number by its name, for those who keep fits in a table. */
PG_FUNCTION_INFO_V1(personalize_buyer_model_parameter);
Datum
personalize_buyer_model_parameter(PG_FUNCTION_ARGS)
{
	BuyerModel	m;
	StoredModel *s = (StoredModel *) PG_GETARG_BYTEA_P(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	buyer_model_read((bytea *) s, &m);
	for (int i = 0; i < NUM_FIELDS; i++)
		if (strcmp(name, s->kind == BUYER_PARETO ? fields[i].pareto : fields[i].name) == 0)
		{
			if (is_field_absent(s, i))
				PG_RETURN_NULL();
			PG_RETURN_FLOAT8(s->field[i]);
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a %s model has no parameter \"%.40s\"", kinds[s->kind], name),
			 errhint("The model's text names all of them.")));
	PG_RETURN_NULL();
}
