/*
 * compat.c
 *		What older servers lack and a macro cannot supply.
 */
#include "base/compat.h"

#ifdef COMPAT_PRIVATE_STATUS_SLOTS
#include "storage/backendid.h"
#include "storage/shmem.h"

/*
 * The array of status slots is private here, but shared memory can be asked for
 * it by name, with the size the server computed at its start.
 */
PgBackendStatus *
compat_my_beentry(void)
{
	static PgBackendStatus *entry = NULL;
	bool		found;

	if (entry == NULL && MyBackendId != InvalidBackendId)
		entry = (PgBackendStatus *)
			ShmemInitStruct("Backend Status Array",
							mul_size(sizeof(PgBackendStatus), MaxBackends + NUM_AUXPROCTYPES),
							&found) + (MyBackendId - 1);
	return entry;
}
#endif

#ifdef COMPAT_NO_MATERIALIZED_SRF
void
compat_init_materialized_srf(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext oldcontext;
	TupleDesc	tupdesc;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		!(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	oldcontext = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	switch (get_call_result_type(fcinfo, NULL, &tupdesc))
	{
		case TYPEFUNC_COMPOSITE:
			break;
		case TYPEFUNC_SCALAR:
			tupdesc = rsinfo->expectedDesc;
			break;
		default:
			elog(ERROR, "return type must be a row type");
	}
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	rsinfo->setDesc = CreateTupleDescCopy(tupdesc);
	MemoryContextSwitchTo(oldcontext);
}
#endif
