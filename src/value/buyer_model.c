/*
 * buyer_model.c
 *		The type buyer_model: parameters, and what they are worth; or why there are none, and rates to do with.
 *
 * Text is the kind and name=value in any order: mbg/nbd r=0.52 alpha=6.2 a=0.89 b=1.6.  Times are in weeks.  Rates are one list of numbers.
 */
#include "value/buyer.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/guards.h"

#define STORED_VERSION 1
#define NUM_FIELDS BUYER_FIELDS
#define FIRST_SPEND 5
#define LOG_LIKELIHOOD 4
/* More than any count of customers; a double holds it exactly. */
#define MOST_COUNT UINT64CONST(9007199254740992)

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

/* In the order in which they are stored, written and sent. */
static void
set_rates(const BuyerRates *r, uint64 *number)
{
	*number++ = r->weeks;
	*number++ = r->orders;
	*number++ = r->all.customers;
	*number++ = r->all.buyers;
	for (int i = 0; i < BUYER_RATE_RECENCIES; i++)
		for (int j = 0; j < BUYER_RATE_ORDERS; j++)
		{
			*number++ = r->cells[i][j].customers;
			*number++ = r->cells[i][j].buyers;
		}
}

static void
take_rates(BuyerRates *r, const uint64 *number)
{
	r->weeks = *number++;
	r->orders = *number++;
	r->all.customers = *number++;
	r->all.buyers = *number++;
	for (int i = 0; i < BUYER_RATE_RECENCIES; i++)
		for (int j = 0; j < BUYER_RATE_ORDERS; j++)
		{
			r->cells[i][j].customers = *number++;
			r->cells[i][j].buyers = *number++;
		}
}

/* Rates that somebody wrote down may be anything. */
static void
check_rates(const StoredBuyerModel *s)
{
	BuyerRates	r;
	bool		sound = s->problem != BUYER_FITTED;

	for (int i = 0; i < BUYER_RATE_NUMBERS; i++)
		sound &= s->rates[i] <= MOST_COUNT;
	take_rates(&r, s->rates);
	if (!sound || s->rates[0] > BUYER_LONG_WINDOW || !buyer_rates_are_sound(&r))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("rates of buyer_model are none that customers could have"),
				 errdetail("Rates are of %d or %d weeks, and no more customers order than there are; a model with parameters has none.", BUYER_SHORT_WINDOW, BUYER_LONG_WINDOW)));
}

static StoredBuyerModel *
new_model(void)
{
	return palloc0(offsetof(StoredBuyerModel, rates) + BUYER_RATE_NUMBERS * sizeof(uint64));
}

/* What a problem leaves without a meaning. */
static bool
is_field_absent(const StoredBuyerModel *s, int i)
{
	return (i < FIRST_SPEND && s->problem != BUYER_FITTED) || (i >= FIRST_SPEND && i < FIRST_SPEND + 4 && s->spend_problem != BUYER_FITTED);
}

/* Text and binary input both end here. */
static bytea *
check_and_form(StoredBuyerModel *s)
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
	if (s->rates[0] > 0)
		check_rates(s);
	s->version = STORED_VERSION;
	SET_VARSIZE(s, offsetof(StoredBuyerModel, rates) + (s->rates[0] > 0 ? BUYER_RATE_NUMBERS * sizeof(uint64) : 0));
	return (bytea *) s;
}

bytea *
buyer_model_form(const BuyerModel *m)
{
	StoredBuyerModel *s = new_model();

	s->kind = m->kind;
	s->problem = m->problem;
	s->spend_problem = m->spend_problem;
	set_fields(m, s->field);
	if (m->problem != BUYER_FITTED)
		set_rates(&m->rates, s->rates);
	return check_and_form(s);
}

void
buyer_model_read(bytea *value, BuyerModel *m)
{
	StoredBuyerModel *s = (StoredBuyerModel *) value;
	Size		rates = VARSIZE(value) - offsetof(StoredBuyerModel, rates);

	if (VARSIZE(value) < offsetof(StoredBuyerModel, rates) || s->version != STORED_VERSION || (rates != 0 && rates != BUYER_RATE_NUMBERS * sizeof(uint64)))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type buyer_model is damaged")));
	m->kind = s->kind;
	m->problem = s->problem;
	m->spend_problem = s->spend_problem;
	take_fields(m, s->field);
	m->rates.weeks = 0;
	if (rates != 0)
		take_rates(&m->rates, s->rates);
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
parse_rates(StoredBuyerModel *s, char *list, const char *word)
{
	for (int i = 0; i < BUYER_RATE_NUMBERS; i++)
	{
		char	   *end;

		if (*list < '0' || *list > '9')
			bad_word(word);
		errno = 0;
		s->rates[i] = strtoull(list, &end, 10);
		if (errno != 0 || *end != (i < BUYER_RATE_NUMBERS - 1 ? ',' : '\0'))
			bad_word(word);
		list = end + 1;
	}
	if (s->rates[0] == 0)
		bad_word(word);
}

static void
take_word(StoredBuyerModel *s, char *word, bool *has_spend_problem)
{
	char	   *value = strchr(word, '=');
	char	   *end;

	if (value == NULL)
		bad_word(word);
	*value++ = '\0';
	if (strcmp(word, "problem") == 0)
		s->problem = problem_named(value, word);
	else if (strcmp(word, "rates") == 0)
		parse_rates(s, value, word);
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
	StoredBuyerModel *s = new_model();
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
	StoredBuyerModel *s = (StoredBuyerModel *) PG_GETARG_BYTEA_P(0);
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
	for (int i = 0; m.rates.weeks > 0 && i < BUYER_RATE_NUMBERS; i++)
		appendStringInfo(&out, "%s" UINT64_FORMAT, i == 0 ? " rates=" : ",", s->rates[i]);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_recv);
Datum
personalize_buyer_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	StoredBuyerModel *s = new_model();
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
	if (pq_getmsgbyte(in) != 0)
		for (int i = 0; i < BUYER_RATE_NUMBERS; i++)
			s->rates[i] = pq_getmsgint64(in);
	PG_RETURN_BYTEA_P(check_and_form(s));
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_send);
Datum
personalize_buyer_model_send(PG_FUNCTION_ARGS)
{
	BuyerModel	m;
	StoredBuyerModel *s = (StoredBuyerModel *) PG_GETARG_BYTEA_P(0);
	StringInfoData out;

	buyer_model_read((bytea *) s, &m);
	pq_begintypsend(&out);
	pq_sendbyte(&out, 1);
	pq_sendbyte(&out, s->kind);
	pq_sendbyte(&out, s->problem);
	pq_sendbyte(&out, s->spend_problem);
	for (int i = 0; i < NUM_FIELDS; i++)
		pq_sendfloat8(&out, s->field[i]);
	pq_sendbyte(&out, m.rates.weeks > 0);
	for (int i = 0; m.rates.weeks > 0 && i < BUYER_RATE_NUMBERS; i++)
		pq_sendint64(&out, s->rates[i]);
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

PG_FUNCTION_INFO_V1(personalize_buyer_model_is_fallback);
Datum
personalize_buyer_model_is_fallback(PG_FUNCTION_ARGS)
{
	BuyerModel	m;

	buyer_model_read(PG_GETARG_BYTEA_P(0), &m);
	PG_RETURN_BOOL(m.problem != BUYER_FITTED && m.rates.weeks > 0);
}

static void
put_rate(ReturnSetInfo *result, const BuyerModel *m, int recency, int orders)
{
	const BuyerRate *rate = recency < 0 ? &m->rates.all : &m->rates.cells[recency][orders];
	bool		nulls[8] = {false, recency < 0, recency < 0 || recency == BUYER_RATE_RECENCIES - 1, recency < 0, recency < 0 || orders == BUYER_RATE_ORDERS - 1};
	Datum		values[8] = {0};

	values[0] = Int32GetDatum(m->rates.weeks);
	if (!nulls[1])
		values[1] = Float8GetDatum(recency == 0 ? 0 : buyer_rate_recency_end(recency - 1));
	if (!nulls[2])
		values[2] = Float8GetDatum(buyer_rate_recency_end(recency));
	values[3] = Int32GetDatum(orders + 1);
	values[4] = Int32GetDatum(orders + 1);
	values[5] = Int64GetDatum(rate->customers);
	values[6] = Int64GetDatum(rate->buyers);
	values[7] = Float8GetDatum(buyer_rate(&m->rates, rate));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A row a cell, and one of all customers. */
PG_FUNCTION_INFO_V1(personalize_buyer_model_rates);
Datum
personalize_buyer_model_rates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	BuyerModel	m;

	compat_materialize(fcinfo);
	buyer_model_read(PG_GETARG_BYTEA_P(0), &m);
	if (m.problem == BUYER_FITTED || m.rates.weeks == 0)
		return (Datum) 0;
	for (int i = 0; i < BUYER_RATE_RECENCIES; i++)
		for (int j = 0; j < BUYER_RATE_ORDERS; j++)
			put_rate(result, &m, i, j);
	put_rate(result, &m, -1, -1);
	return (Datum) 0;
}

/* (part, all, full) */
PG_FUNCTION_INFO_V1(personalize_buyer_model_shrink);
Datum
personalize_buyer_model_shrink(PG_FUNCTION_ARGS)
{
	BuyerModel	part;
	BuyerModel	all;

	buyer_model_read(PG_GETARG_BYTEA_P(0), &part);
	buyer_model_read(PG_GETARG_BYTEA_P(1), &all);
	if (part.kind != all.kind)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a %s model cannot be shrunk to a %s model", kinds[part.kind], kinds[all.kind])));
	buyer_shrink(&part, &all, guard_int_range("full_at", PG_GETARG_INT64(2), 1, INT64CONST(1000000000000)));
	PG_RETURN_BYTEA_P(buyer_model_form(&part));
}

/* Equal models have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_buyer_model_eq);
Datum
personalize_buyer_model_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_P(0);
	bytea	   *b = PG_GETARG_BYTEA_P(1);

	PG_RETURN_BOOL(VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_buyer_model_ne);
Datum
personalize_buyer_model_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_buyer_model_eq(fcinfo)));
}

/* A number by its name, for those who keep fits in a table. */
PG_FUNCTION_INFO_V1(personalize_buyer_model_parameter);
Datum
personalize_buyer_model_parameter(PG_FUNCTION_ARGS)
{
	BuyerModel	m;
	StoredBuyerModel *s = (StoredBuyerModel *) PG_GETARG_BYTEA_P(0);
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	buyer_model_read((bytea *) s, &m);
	for (int i = 0; i < NUM_FIELDS; i++)
		if (strcmp(name, s->kind == BUYER_PARETO ? fields[i].pareto : fields[i].name) == 0)
		{
			/* nobody's likelihood is exactly 1: that of a model that was written down, or averaged, is not known */
			if (is_field_absent(s, i) || (s->field[i] == 0 && (i == LOG_LIKELIHOOD || i == FIRST_SPEND + 3)))
				PG_RETURN_NULL();
			PG_RETURN_FLOAT8(s->field[i]);
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a %s model has no parameter \"%.40s\"", kinds[s->kind], name),
			 errhint("The model's text names all of them.")));
	PG_RETURN_NULL();
}
