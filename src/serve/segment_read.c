/*
 * segment_read.c
 *		Segments in queries: in_segment() and what the functions of segments are made of.
 */
#include "base/compat.h"

#include "funcapi.h"

PG_FUNCTION_INFO_V1(personalize_segment_stands);
Datum
personalize_segment_stands(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(personalize_segment_entered);
Datum
personalize_segment_entered(PG_FUNCTION_ARGS)
{
	compat_materialize(fcinfo);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(personalize_in_segment);
Datum
personalize_in_segment(PG_FUNCTION_ARGS)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("segments cannot be read yet")));
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(personalize_segment_stands_support);
Datum
personalize_segment_stands_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(personalize_segment_entered_support);
Datum
personalize_segment_entered_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(personalize_in_segment_support);
Datum
personalize_in_segment_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}
