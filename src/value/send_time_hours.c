/*
 * send_time_hours.c
 *		Hours in which a message may be sent, from texts like "mon-fri 08:00-21:00; sat 09:00-14:00".
 */
#include "value/send_time.h"

#include "mb/pg_wchar.h"

static const char *const names[3] = {"quiet", "legal", "weekdays"};

static void
refuse(const char *argument, text *value, SendHoursProblem problem, size_t at)
{
	static const char *const wanted[] = {"", "the name of a day", "a time of day that is not the one before it", "\"-\" and a time", "\";\" or the end"};
	const char *bytes = VARDATA_ANY(value);
	int			size = VARSIZE_ANY_EXHDR(value);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("malformed hours in %s: expected %s at character %d", argument, wanted[problem], pg_mbstrlen_with_len(bytes, (int) at) + 1),
			 errdetail("It is \"%.*s\".", pg_mbcliplen(bytes, size, 200), bytes),
			 errhint("Hours are written like \"mon-fri 08:00-21:00; sat 22:00-02:00\".")));
}

static bool
is_same(text *before, text *now)
{
	if (before == NULL || now == NULL)
		return before == now;
	return VARSIZE_ANY_EXHDR(before) == VARSIZE_ANY_EXHDR(now) && memcmp(VARDATA_ANY(before), VARDATA_ANY(now), VARSIZE_ANY_EXHDR(now)) == 0;
}

static void
keep(SendHoursTexts *h, text **kept, text *now)
{
	if (*kept != NULL)
		pfree(*kept);
	*kept = NULL;
	if (now != NULL)
	{
		*kept = MemoryContextAlloc(h->context, VARSIZE_ANY(now));
		memcpy(*kept, now, VARSIZE_ANY(now));
	}
}

void
send_hours_read(SendHoursTexts *h, text *quiet, text *legal, text *weekdays)
{
	text	   *now[3] = {quiet, legal, weekdays};
	bool		same = h->known;

	for (int i = 0; i < 3; i++)
		same = same && is_same(h->texts[i], now[i]);
	if (likely(same))
		return;
	h->known = false;
	memset(&h->allowed, 0xff, sizeof(SendHours));
	for (int i = 0; i < 3; i++)
	{
		SendHours	hours;
		SendHoursProblem problem;
		size_t		at;

		keep(h, &h->texts[i], now[i]);
		if (now[i] == NULL)
			continue;
		problem = send_hours_parse(&hours, VARDATA_ANY(now[i]), VARSIZE_ANY_EXHDR(now[i]), &at);
		if (problem != SEND_HOURS_OK)
			refuse(names[i], now[i], problem, at);
		for (size_t byte = 0; byte < sizeof(hours.bits); byte++)
			h->allowed.bits[byte] &= i == 0 ? (uint8) ~hours.bits[byte] : hours.bits[byte];
	}
	h->known = true;
}
