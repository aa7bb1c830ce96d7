/*
 * term.c
 *		Search terms in the one form in which they are kept and looked up.
 */
#include "base/compat.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "value/term.h"

/* Marks that tell products apart: c++, c#, h&m, 50%. */
static bool
stays(unsigned char c)
{
	return c >= 128 || isalnum(c) || c == '+' || c == '#' || c == '&' || c == '%';
}

/* 1.5 and 1,000 are one word each; a point elsewhere ends one. */
static bool
within_number(const char *text, int at, int size)
{
	return (text[at] == '.' || text[at] == ',') && at > 0 && at + 1 < size &&
		text[at - 1] >= '0' && text[at - 1] <= '9' && text[at + 1] >= '0' && text[at + 1] <= '9';
}

/* Bytes of 128 and more belong to characters of several bytes, and stay. */
char *
term_normalize(const char *term, int size)
{
	char	   *lower = str_tolower(term, size, DEFAULT_COLLATION_OID);
	int			length = strlen(lower);
	char	   *out = palloc(length + 1);
	int			used = 0;

	for (int i = 0; i < length; i++)
		if (stays((unsigned char) lower[i]) || within_number(lower, i, length))
			out[used++] = lower[i];
		else if (used > 0 && out[used - 1] != ' ')
			out[used++] = ' ';
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	pfree(lower);
	return out;
}

PG_FUNCTION_INFO_V1(personalize_normalize_term);

Datum
personalize_normalize_term(PG_FUNCTION_ARGS)
{
	text	   *term = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text(term_normalize(VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term))));
}
