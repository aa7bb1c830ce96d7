/*
 * basket_items.c
 *		What the items column of a history holds, as rows.
 */
#include "base/compat.h"

#include "utils/date.h"

#include "base/server_env.h"
#include "kernel/basket.h"

PG_FUNCTION_INFO_V1(personalize_basket_items);

/* Bytes may come from anybody, and a day that is no date breaks what reads dates.  No bytes: no items now. */
static bool
read_basket(Env *env, WireReader *reader, Basket *basket)
{
	if (wire_left(reader) == 0)
		return true;
	if (!basket_decode(env, reader, basket))
		return false;
	for (uint32 e = 0; e < basket->size; e++)
		if (!IS_VALID_DATE(basket->entry[e].day))
			return false;
	return true;
}

Datum
personalize_basket_items(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	WireReader	reader = wire_reader(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	Basket		basket = {0};
	ServerEnv	server;

	compat_materialize(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	if (!read_basket(&server.env, &reader, &basket))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("these bytes are no basket of a history"),
				 errhint("Baskets stand in the column items of a history's table.")));
	for (uint32 e = 0; e < basket.size; e++)
	{
		const BasketEntry *entry = &basket.entry[e];
		Datum		values[] = {
			Int32GetDatum((int32) entry->code), Int64GetDatum(entry->weight),
			DateADTGetDatum(entry->day), Int32GetDatum((int32) entry->position)
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
