/*
 * rule.c
 *		Rules as values: input, output, and whether they hold for an activity.
 */
#include "value/rule.h"

#include "access/xact.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "value/activity.h"

/* --- input and output ------------------------------------------------------- */

/* In characters, as a person counts. */
static void
report(const char *text, size_t size, const RuleError *error)
{
	int			place = pg_mbstrlen_with_len(text, error->at) + 1;
	int			shown = pg_mbcliplen(text + error->at, size - error->at, 20);

	if (error->limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rule is too large: %s", error->expected),
				 errdetail("It is at character %d.", place),
				 error->hint != NULL ? errhint("%s", error->hint) : 0));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed rule: expected %s at character %d", error->expected, place),
			 error->at == size ? errdetail("The rule ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, text + error->at),
			 error->hint != NULL ? errhint("%s", error->hint) : 0));
}

static Rule *
parse(Env *env, const char *text, size_t size)
{
	RuleError	error;
	Rule	   *rule = rule_parse(env, text, size, &error);

	if (rule == NULL)
		report(text, size, &error);
	return rule;
}

Datum
rule_form(const char *text, size_t size)
{
	ServerEnv	server;
	bytea	   *result;
	char	   *canonical;

	server_env_init(&server, CurrentMemoryContext);
	canonical = rule_print(&server.env, parse(&server.env, text, size), &size);
	result = palloc(VARHDRSZ + 1 + size);
	SET_VARSIZE(result, VARHDRSZ + 1 + size);
	*VARDATA(result) = RULE_VERSION;
	memcpy(VARDATA(result) + 1, canonical, size);
	return PointerGetDatum(result);
}

const char *
rule_text(Datum value, size_t *size)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	if (VARSIZE_ANY_EXHDR(bytes) < 1 || *VARDATA_ANY(bytes) != RULE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value is not a rule that this version of personalize can read")));
	*size = VARSIZE_ANY_EXHDR(bytes) - 1;
	return VARDATA_ANY(bytes) + 1;
}

Rule *
rule_read(Env *env, Datum value)
{
	size_t		size;
	const char *text = rule_text(value, &size);

	return parse(env, text, size);
}

PG_FUNCTION_INFO_V1(personalize_rule_in);
Datum
personalize_rule_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);

	return rule_form(text, strlen(text));
}

PG_FUNCTION_INFO_V1(personalize_rule_out);
Datum
personalize_rule_out(PG_FUNCTION_ARGS)
{
	size_t		size;
	const char *text = rule_text(PG_GETARG_DATUM(0), &size);

	PG_RETURN_CSTRING(pnstrdup(text, size));
}

/* A version, and text in the client's encoding. */
PG_FUNCTION_INFO_V1(personalize_rule_recv);
Datum
personalize_rule_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(in);
	char	   *text;
	int			size;

	if (version != RULE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("binary rule has version %d, known is version %d", version, RULE_VERSION)));
	text = pq_getmsgtext(in, in->len - in->cursor, &size);
	return rule_form(text, size);
}

PG_FUNCTION_INFO_V1(personalize_rule_send);
Datum
personalize_rule_send(PG_FUNCTION_ARGS)
{
	size_t		size;
	const char *text = rule_text(PG_GETARG_DATUM(0), &size);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, RULE_VERSION);
	pq_sendtext(&out, text, size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(personalize_rule_eq);
Datum
personalize_rule_eq(PG_FUNCTION_ARGS)
{
	size_t		a_size;
	size_t		b_size;
	const char *a = rule_text(PG_GETARG_DATUM(0), &a_size);
	const char *b = rule_text(PG_GETARG_DATUM(1), &b_size);

	PG_RETURN_BOOL(a_size == b_size && memcmp(a, b, a_size) == 0);
}

PG_FUNCTION_INFO_V1(personalize_rule_ne);
Datum
personalize_rule_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_rule_eq(fcinfo)));
}

/* --- evaluation ------------------------------------------------------------- */

static RuleCall *
call_site(FunctionCallInfo fcinfo, Datum value)
{
	RuleCall   *site = fcinfo->flinfo->fn_extra;
	size_t		size;
	const char *text = rule_text(value, &size);

	if (site != NULL && site->rule != NULL && site->size == size && memcmp(site->text, text, size) == 0)
		return site;
	if (site == NULL)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RuleCall));
		server_env_init(&site->server, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = site;
	}
	if (site->rule != NULL)
	{
		rule_release(&site->server.env, site->rule);
		site->rule = NULL;
		pfree(site->text);
	}
	site->text = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size + 1);
	memcpy(site->text, text, size);
	site->size = size;
	site->rule = parse(&site->server.env, text, size);
	return site;
}

/* Starts of periods stay known while the time and the zone are the same, as they are throughout a statement. */
static void
set_context(RuleCall *site, TimestampTz as_of, pg_tz *zone, Jsonb *attributes)
{
	if (site->attributes.zone != zone || site->attributes.context.as_of != as_of)
		rule_attributes_init(&site->attributes, activity_guard_time(as_of), zone);
	site->attributes.attributes = attributes;
}

PG_FUNCTION_INFO_V1(personalize_rule_matches);
Datum
personalize_rule_matches(PG_FUNCTION_ARGS)
{
	size_t		size;
	const unsigned char *activity = activity_bytes(PG_GETARG_DATUM(0), &size);
	RuleCall   *site = call_site(fcinfo, PG_GETARG_DATUM(1));
	RuleTruth	value;

	set_context(site, GetCurrentStatementStartTimestamp(), session_timezone, NULL);
	if (!rule_matches(site->rule, activity, size, &site->attributes.context, &value))
		activity_damaged();
	PG_RETURN_BOOL(value == RULE_TRUE);
}

static pg_tz *
zone_named(FunctionCallInfo fcinfo, int argument)
{
	char	   *name;
	pg_tz	   *zone;

	if (PG_ARGISNULL(argument))
		return session_timezone;
	name = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	zone = pg_tzset(name);
	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not known", name)));
	return zone;
}

RuleCall *
rule_call(FunctionCallInfo fcinfo)
{
	RuleCall   *site = call_site(fcinfo, PG_GETARG_DATUM(1));

	set_context(site, PG_ARGISNULL(3) ? GetCurrentStatementStartTimestamp() : PG_GETARG_TIMESTAMPTZ(3), zone_named(fcinfo, 4),
				PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	return site;
}

PG_FUNCTION_INFO_V1(personalize_rule_matches_full);
Datum
personalize_rule_matches_full(PG_FUNCTION_ARGS)
{
	RuleCall   *site;
	size_t		size;
	const unsigned char *activity;
	RuleTruth	value;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	activity = activity_bytes(PG_GETARG_DATUM(0), &size);
	site = rule_call(fcinfo);
	if (!rule_matches(site->rule, activity, size, &site->attributes.context, &value))
		activity_damaged();
	PG_RETURN_BOOL(value == RULE_TRUE);
}

/* NULL where it is not known that anything would change without a new event. */
PG_FUNCTION_INFO_V1(personalize_rule_evaluate);
Datum
personalize_rule_evaluate(PG_FUNCTION_ARGS)
{
	RuleCall   *site;
	size_t		size;
	const unsigned char *activity;
	RuleAnswer	answer;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	activity = activity_bytes(PG_GETARG_DATUM(0), &size);
	site = rule_call(fcinfo);
	if (!rule_evaluate(site->rule, activity, size, &site->attributes.context, &answer))
		activity_damaged();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(answer.value == RULE_TRUE);
	values[1] = TimestampTzGetDatum(answer.stable_until == RULE_NEVER ? DT_NOEND : answer.stable_until);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
