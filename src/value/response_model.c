/*
 * response_model.c
 *		The type response_model: rates by hour of the week, weights of lags and of visits.
 *
 * Text is a fixed sequence of name=value, lists in braces, first for opens and then for clicks.  Times are in minutes and hours.
 */
#include "value/response_model.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "catalog/pg_type.h"

#include "base/guards.h"

static const char *const observables[RESPONSE_OBSERVABLES] = {"open", "click"};

/* ---------------------------------------------------------------- struct */

const StoredResponseModel *
response_model_checked(Datum value)
{
	const StoredResponseModel *s = (const StoredResponseModel *) PG_DETOAST_DATUM(value);

	if (VARSIZE(s) != sizeof(StoredResponseModel) || s->version != RESPONSE_MODEL_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type response_model is damaged")));
	return s;
}

static void
to_double(double *to, const float4 *from, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = from[i];
}

static void
to_float(float4 *to, const double *from, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = (float4) from[i];
}

void
response_model_read(const StoredResponseModel *s, ResponseModel *m)
{
	m->half_life = s->half_life;
	m->customers = s->customers;
	m->visit_rate = s->visit_rate;
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		const StoredResponseFit *from = &s->fits[o];
		ResponseFit *to = &m->fits[o];

		to->messages = from->messages;
		to->held_out = from->held_out;
		to->visit_weight = from->visit_weight;
		to_double(to->lags, from->lags, RESPONSE_LAGS);
		to_double(to->responses, from->responses, RESPONSE_WEEK);
		to_double(to->risk, from->risk, RESPONSE_WEEK);
	}
}

static void
out_of_range(const char *name, double value)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s of response_model is out of range: %g", name, value)));
}

/* NaN fails the comparison. */
static double
checked(const char *name, double value, double high)
{
	if (!(value >= 0 && value <= high))
		out_of_range(name, value);
	return value + 0.0;			/* no -0 */
}

static void
check_list(const char *name, float4 *list, int n, double high)
{
	for (int i = 0; i < n; i++)
		list[i] = (float4) checked(name, list[i], high);
}

/* Text, binary input and fits all end here. */
static Datum
check_and_form(StoredResponseModel *s)
{
	s->half_life = floor(checked("half_life", s->half_life, RESPONSE_MAX_HALF_LIFE));
	s->customers = floor(checked("customers", s->customers, 1e15));
	s->visit_rate = checked("visit_rate", s->visit_rate, 24);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		StoredResponseFit *f = &s->fits[o];

		f->messages = checked("messages", f->messages, 1e15);
		f->held_out = floor(checked("held_out", f->held_out, 1e15));
		f->visit_weight = checked("visit_weight", f->visit_weight, 1);
		check_list("lags", f->lags, RESPONSE_LAGS, 2);
		check_list("responses", f->responses, RESPONSE_WEEK, 1e15);
		check_list("risk", f->risk, RESPONSE_WEEK, 1e15);
		/* the lag that all others are compared with */
		if (f->lags[0] != 1)
			out_of_range("the first of lags", f->lags[0]);
	}
	s->version = RESPONSE_MODEL_VERSION;
	SET_VARSIZE(s, sizeof(StoredResponseModel));
	return PointerGetDatum(s);
}

Datum
response_model_form(const ResponseModel *m)
{
	StoredResponseModel *s = palloc0(sizeof(StoredResponseModel));

	s->half_life = m->half_life;
	s->customers = m->customers;
	s->visit_rate = m->visit_rate;
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		s->fits[o].messages = m->fits[o].messages;
		s->fits[o].held_out = m->fits[o].held_out;
		s->fits[o].visit_weight = m->fits[o].visit_weight;
		to_float(s->fits[o].lags, m->fits[o].lags, RESPONSE_LAGS);
		to_float(s->fits[o].responses, m->fits[o].responses, RESPONSE_WEEK);
		to_float(s->fits[o].risk, m->fits[o].risk, RESPONSE_WEEK);
	}
	return check_and_form(s);
}

/* ---------------------------------------------------------------- text */

static void
print_number(StringInfo out, const char *name, double value)
{
	char		number[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, number);
	appendStringInfo(out, "%s=%s ", name, number);
}

static void
print_list(StringInfo out, const char *name, const float4 *list, int n)
{
	char		number[FLOAT_SHORTEST_DECIMAL_LEN];

	appendStringInfo(out, "%s={", name);
	for (int i = 0; i < n; i++)
	{
		float_to_shortest_decimal_buf(list[i], number);
		appendStringInfo(out, "%s%s", i == 0 ? "" : ",", number);
	}
	appendStringInfoString(out, "} ");
}

PG_FUNCTION_INFO_V1(personalize_response_model_out);
Datum
personalize_response_model_out(PG_FUNCTION_ARGS)
{
	const StoredResponseModel *s = response_model_checked(PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	print_number(&out, "half_life", s->half_life);
	print_number(&out, "customers", s->customers);
	print_number(&out, "visit_rate", s->visit_rate);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		const StoredResponseFit *f = &s->fits[o];

		appendStringInfo(&out, "%s ", observables[o]);
		print_number(&out, "messages", f->messages);
		print_number(&out, "held_out", f->held_out);
		print_number(&out, "visit_weight", f->visit_weight);
		print_list(&out, "lags", f->lags, RESPONSE_LAGS);
		print_list(&out, "responses", f->responses, RESPONSE_WEEK);
		print_list(&out, "risk", f->risk, RESPONSE_WEEK);
	}
	out.data[--out.len] = '\0';
	PG_RETURN_CSTRING(out.data);
}

static void
expected(const char *what, const char *text, const char *at)
{
	int			shown = pg_mbcliplen(at, strlen(at), 20);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed response_model literal: expected %s at character %d", what, pg_mbstrlen_with_len(text, at - text) + 1),
			 *at == '\0' ? errdetail("The literal ends there.") : errdetail("Found there: \"%.*s\".", shown, at)));
}

/* Each take_ returns where it has stopped, or fails there. */
static const char *
take_word(const char *text, const char *p, const char *word)
{
	p += strspn(p, " \t\n\r\v\f");
	if (strncmp(p, word, strlen(word)) != 0)
		expected(psprintf("\"%s\"", word), text, p);
	return p + strlen(word);
}

static const char *
take_number(const char *text, const char *p, double *value)
{
	char	   *end;

	errno = 0;
	*value = strtod(p, &end);
	if (end == p || !isfinite(*value))
		expected("a number", text, p);
	return end;
}

static const char *
take_named(const char *text, const char *p, const char *name, double *value)
{
	return take_number(text, take_word(text, take_word(text, p, name), "="), value);
}

static const char *
take_list(const char *text, const char *p, const char *name, float4 *list, int n)
{
	double		value;

	p = take_word(text, take_word(text, take_word(text, p, name), "="), "{");
	for (int i = 0; i < n; i++)
	{
		p = take_number(text, i == 0 ? p : take_word(text, p, ","), &value);
		list[i] = (float4) value;
	}
	return take_word(text, p, "}");
}

PG_FUNCTION_INFO_V1(personalize_response_model_in);
Datum
personalize_response_model_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	StoredResponseModel *s = palloc0(sizeof(StoredResponseModel));
	const char *p = take_named(text, text, "half_life", &s->half_life);

	p = take_named(text, p, "customers", &s->customers);
	p = take_named(text, p, "visit_rate", &s->visit_rate);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		StoredResponseFit *f = &s->fits[o];

		p = take_word(text, p, observables[o]);
		p = take_named(text, p, "messages", &f->messages);
		p = take_named(text, p, "held_out", &f->held_out);
		p = take_named(text, p, "visit_weight", &f->visit_weight);
		p = take_list(text, p, "lags", f->lags, RESPONSE_LAGS);
		p = take_list(text, p, "responses", f->responses, RESPONSE_WEEK);
		p = take_list(text, p, "risk", f->risk, RESPONSE_WEEK);
	}
	p += strspn(p, " \t\n\r\v\f");
	if (*p != '\0')
		expected("nothing more", text, p);
	PG_RETURN_DATUM(check_and_form(s));
}

/* ---------------------------------------------------------------- binary */

static void
receive_list(StringInfo in, float4 *list, int n)
{
	for (int i = 0; i < n; i++)
		list[i] = pq_getmsgfloat4(in);
}

PG_FUNCTION_INFO_V1(personalize_response_model_recv);
Datum
personalize_response_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	StoredResponseModel *s = palloc0(sizeof(StoredResponseModel));
	int			version = pq_getmsgint(in, 4);

	if (version != RESPONSE_MODEL_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary response_model"),
				 errdetail("It has version %d; known is version %d.", version, RESPONSE_MODEL_VERSION)));
	s->half_life = pq_getmsgfloat8(in);
	s->customers = pq_getmsgfloat8(in);
	s->visit_rate = pq_getmsgfloat8(in);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		StoredResponseFit *f = &s->fits[o];

		f->messages = pq_getmsgfloat8(in);
		f->held_out = pq_getmsgfloat8(in);
		f->visit_weight = pq_getmsgfloat8(in);
		receive_list(in, f->lags, RESPONSE_LAGS);
		receive_list(in, f->responses, RESPONSE_WEEK);
		receive_list(in, f->risk, RESPONSE_WEEK);
	}
	PG_RETURN_DATUM(check_and_form(s));
}

static void
send_list(StringInfo out, const float4 *list, int n)
{
	for (int i = 0; i < n; i++)
		pq_sendfloat4(out, list[i]);
}

PG_FUNCTION_INFO_V1(personalize_response_model_send);
Datum
personalize_response_model_send(PG_FUNCTION_ARGS)
{
	const StoredResponseModel *s = response_model_checked(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint32(&out, RESPONSE_MODEL_VERSION);
	pq_sendfloat8(&out, s->half_life);
	pq_sendfloat8(&out, s->customers);
	pq_sendfloat8(&out, s->visit_rate);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		const StoredResponseFit *f = &s->fits[o];

		pq_sendfloat8(&out, f->messages);
		pq_sendfloat8(&out, f->held_out);
		pq_sendfloat8(&out, f->visit_weight);
		send_list(&out, f->lags, RESPONSE_LAGS);
		send_list(&out, f->responses, RESPONSE_WEEK);
		send_list(&out, f->risk, RESPONSE_WEEK);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---------------------------------------------------------------- accessors */

static ResponseFit *
named_fit(FunctionCallInfo fcinfo)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ResponseModel *m = palloc(sizeof(ResponseModel));

	response_model_read(response_model_checked(PG_GETARG_DATUM(0)), m);
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
		if (strcmp(name, observables[o]) == 0)
			return &m->fits[o];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no response \"%.40s\"", name),
			 errhint("Responses are open and click.")));
	return NULL;
}

PG_FUNCTION_INFO_V1(personalize_response_model_rate);
Datum
personalize_response_model_rate(PG_FUNCTION_ARGS)
{
	ResponseRates rates;

	response_rates(&rates, named_fit(fcinfo));
	PG_RETURN_FLOAT8(rates.mean);
}

PG_FUNCTION_INFO_V1(personalize_response_model_visit_weight);
Datum
personalize_response_model_visit_weight(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(named_fit(fcinfo)->visit_weight);
}

PG_FUNCTION_INFO_V1(personalize_response_model_held_out);
Datum
personalize_response_model_held_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) named_fit(fcinfo)->held_out);
}

PG_FUNCTION_INFO_V1(personalize_response_model_lags);
Datum
personalize_response_model_lags(PG_FUNCTION_ARGS)
{
	ResponseFit *fit = named_fit(fcinfo);
	Datum		lags[RESPONSE_LAGS];

	for (int d = 0; d < RESPONSE_LAGS; d++)
		lags[d] = Float4GetDatum((float4) fit->lags[d]);
	PG_RETURN_ARRAYTYPE_P(construct_array(lags, RESPONSE_LAGS, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}
