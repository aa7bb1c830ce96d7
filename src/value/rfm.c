/*
 * rfm.c
 *		The type rfm_model: bytes, text and binary form.
 *
 * Text is name=value in any order: levels=3 r=60,14 f=1,3 m=50,199.5 customers=4338.
 */
#include "value/rfm.h"

#include <math.h>

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/guards.h"
#include "value/activity.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1

uint32
rfm_levels(int64 levels)
{
	if (!rfm_has_levels(levels))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("levels must be 3 or 5, not " INT64_FORMAT, levels)));
	return (uint32) levels;
}

int64
rfm_units(double monetary)
{
	guard_float_range("monetary", monetary, -1e14, 1e14);
	return (int64) rint(monetary * RFM_UNITS_PER_ONE);
}

/* ---------------------------------------------------------------- bytes */

bytea *
rfm_form(const RfmModel *m)
{
	StoredRfm  *s = palloc0(sizeof(StoredRfm));

	if (!rfm_is_sound(m))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rfm_model has limits that no customers could have"),
				 errdetail("Limits of r are days of 0 and more and descend; those of f are 1 and more and ascend, as those of m do.")));
	SET_VARSIZE(s, sizeof(StoredRfm));
	s->version = STORED_VERSION;
	s->levels = m->levels;
	s->customers = m->customers;
	for (int side = 0; side < RFM_SIDES; side++)
		for (uint32 i = 0; i < m->levels - 1; i++)
			s->limits[side][i] = m->limits[side][i];
	return (bytea *) s;
}

void
rfm_read(bytea *value, RfmModel *m)
{
	StoredRfm  *s = (StoredRfm *) value;

	if (VARSIZE(value) != sizeof(StoredRfm) || s->version != STORED_VERSION)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type rfm_model is damaged")));
	m->levels = s->levels;
	m->customers = s->customers;
	memcpy(m->limits, s->limits, sizeof(s->limits));
}

/* ---------------------------------------------------------------- text */

static const char *const side_names[RFM_SIDES] = {"r", "f", "m"};

static void
bad_word(const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed rfm_model literal at \"%.40s\"", word),
			 errhint("An rfm_model is written like: levels=3 r=60,14 f=1,3 m=50,199.5 customers=4338")));
}

/* Digits alone, and what they end at. */
static int64
take_number(char **p, const char *word)
{
	char	   *end;
	int64		number;

	if (**p < '0' || **p > '9')
		bad_word(word);
	errno = 0;
	number = strtoll(*p, &end, 10);
	if (errno != 0)
		bad_word(word);
	*p = end;
	return number;
}

static int64
take_amount(char **p, const char *word)
{
	int64		amount;
	const char *end = activity_parse_amount(*p, &amount);

	if (end == NULL || amount > RFM_MOST_UNITS || amount < -RFM_MOST_UNITS)
		bad_word(word);
	*p = (char *) end;
	return amount;
}

/* Returns how many there were. */
static uint32
take_limits(RfmModel *m, int side, char *list, const char *word)
{
	uint32		n = 0;

	for (;; list++)
	{
		if (n == RFM_MOST_LIMITS)
			bad_word(word);
		m->limits[side][n++] = side == RFM_MONETARY ? take_amount(&list, word) : take_number(&list, word);
		if (*list == '\0')
			return n;
		if (*list != ',')
			bad_word(word);
	}
}

static void
take_word(RfmModel *m, char *word, uint32 found[RFM_SIDES])
{
	char	   *value = strchr(word, '=');
	char	   *end;

	if (value == NULL)
		bad_word(word);
	*value++ = '\0';
	for (int side = 0; side < RFM_SIDES; side++)
		if (strcmp(word, side_names[side]) == 0)
		{
			found[side] = take_limits(m, side, value, word);
			return;
		}
	end = value;
	if (strcmp(word, "levels") == 0)
		m->levels = rfm_levels(take_number(&end, word));
	else if (strcmp(word, "customers") == 0)
		m->customers = take_number(&end, word);
	else
		bad_word(word);
	if (*end != '\0')
		bad_word(word);
}

PG_FUNCTION_INFO_V1(personalize_rfm_in);
Datum
personalize_rfm_in(PG_FUNCTION_ARGS)
{
	char	   *text = pstrdup(PG_GETARG_CSTRING(0));
	char	   *rest;
	RfmModel	m = {0};
	uint32		found[RFM_SIDES] = {0};

	for (char *word = strtok_r(text, " \t\n\r\v\f", &rest); word != NULL; word = strtok_r(NULL, " \t\n\r\v\f", &rest))
		take_word(&m, word, found);
	for (int side = 0; side < RFM_SIDES; side++)
		if (m.levels == 0 || found[side] != m.levels - 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("malformed rfm_model literal: %u limits of %s for %u levels", found[side], side_names[side], m.levels),
					 errhint("An rfm_model is written like: levels=3 r=60,14 f=1,3 m=50,199.5 customers=4338")));
	PG_RETURN_BYTEA_P(rfm_form(&m));
}

static void
write_limits(StringInfo out, const RfmModel *m, int side)
{
	char		amount[ACTIVITY_AMOUNT_SIZE];

	appendStringInfo(out, " %s=", side_names[side]);
	for (uint32 i = 0; i < m->levels - 1; i++)
	{
		if (side == RFM_MONETARY)
			activity_print_amount(amount, m->limits[side][i]);
		else
			snprintf(amount, sizeof(amount), INT64_FORMAT, m->limits[side][i]);
		appendStringInfo(out, "%s%s", i == 0 ? "" : ",", amount);
	}
}

PG_FUNCTION_INFO_V1(personalize_rfm_out);
Datum
personalize_rfm_out(PG_FUNCTION_ARGS)
{
	RfmModel	m;
	StringInfoData out;

	rfm_read(PG_GETARG_BYTEA_P(0), &m);
	initStringInfo(&out);
	appendStringInfo(&out, "levels=%u", m.levels);
	for (int side = 0; side < RFM_SIDES; side++)
		write_limits(&out, &m, side);
	appendStringInfo(&out, " customers=" UINT64_FORMAT, (uint64) m.customers);
	PG_RETURN_CSTRING(out.data);
}

/* ---------------------------------------------------------------- binary */

PG_FUNCTION_INFO_V1(personalize_rfm_recv);
Datum
personalize_rfm_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(in);
	RfmModel	m = {0};

	m.levels = pq_getmsgbyte(in);
	m.customers = pq_getmsgint64(in);
	if (version != WIRE_VERSION || !rfm_has_levels(m.levels) || m.customers > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("rfm_model has an invalid binary form"),
				 errdetail("Format %d, %u levels.", version, m.levels)));
	for (int side = 0; side < RFM_SIDES; side++)
		for (uint32 i = 0; i < m.levels - 1; i++)
		{
			m.limits[side][i] = pq_getmsgint64(in);
			if (m.limits[side][i] > (side == RFM_MONETARY ? RFM_MOST_UNITS : PG_INT64_MAX) || m.limits[side][i] < -RFM_MOST_UNITS)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						 errmsg("rfm_model has an invalid binary form"),
						 errdetail("Limit of %s: " INT64_FORMAT ".", side_names[side], m.limits[side][i])));
		}
	PG_RETURN_BYTEA_P(rfm_form(&m));
}

PG_FUNCTION_INFO_V1(personalize_rfm_send);
Datum
personalize_rfm_send(PG_FUNCTION_ARGS)
{
	RfmModel	m;
	StringInfoData out;

	rfm_read(PG_GETARG_BYTEA_P(0), &m);
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendbyte(&out, m.levels);
	pq_sendint64(&out, m.customers);
	for (int side = 0; side < RFM_SIDES; side++)
		for (uint32 i = 0; i < m.levels - 1; i++)
			pq_sendint64(&out, m.limits[side][i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---------------------------------------------------------------- operators */

PG_FUNCTION_INFO_V1(personalize_rfm_eq);
Datum
personalize_rfm_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_P(0);
	bytea	   *b = PG_GETARG_BYTEA_P(1);

	PG_RETURN_BOOL(VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_rfm_ne);
Datum
personalize_rfm_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_rfm_eq(fcinfo)));
}
