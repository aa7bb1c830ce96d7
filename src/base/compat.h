/*
 * compat.h
 *		Every difference between the supported server versions, 13 to 18, each
 *		with the upstream change that made it.  No other file looks at
 *		PG_VERSION_NUM.
 */
#ifndef PERSONALIZE_COMPAT_H
#define PERSONALIZE_COMPAT_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"
#if PG_VERSION_NUM >= 140000
/* 14: split off pgstat.h (e1025044cd4) */
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#else
#include "pgstat.h"
#endif
#if PG_VERSION_NUM >= 160000
/* 16: the VARDATA family moved out of postgres.h (d952373a987) */
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 140000
#define COMPAT_PRIVATE_STATUS_SLOTS
/* 14: MyBEEntry is no longer private to one file (e1025044cd4) */
extern PgBackendStatus *compat_my_beentry(void);
#define MyBEEntry compat_my_beentry()
/* 14: the predefined roles got their prefix (c9c41c7a337) */
#define ROLE_PG_READ_ALL_STATS DEFAULT_ROLE_READ_ALL_STATS
#endif

#if PG_VERSION_NUM < 150000
#define COMPAT_NO_MATERIALIZED_SRF
/* 15: one call sets up a materialized set-returning function (9e98583898c, a19e5cee635) */
extern void compat_init_materialized_srf(FunctionCallInfo fcinfo);
#define compat_materialize(fcinfo) compat_init_materialized_srf(fcinfo)
/* 15: unknown settings under a prefix are refused (88103567cb8) */
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#else
#define compat_materialize(fcinfo) InitMaterializedSRF(fcinfo, 0)
#endif

#if PG_VERSION_NUM < 160000
/* 16: renamed when a look-up by backend came beside it (8dfa37b7978) */
#define pgstat_get_local_beentry_by_index(i) pgstat_fetch_stat_local_beentry(i)
/* 16: BufFileRead is checked inside the server (20428d344a2) */
#define BufFileReadExact(file, ptr, size) \
	do { \
		if (BufFileRead(file, ptr, size) != (size)) \
			ereport(ERROR, \
					(errcode_for_file_access(), \
					 errmsg("could not read from temporary file: %m"))); \
	} while (0)
#endif

#if PG_VERSION_NUM < 160000
/* 16: the length of a counted text never includes itself (d1ce745db09) */
#define compat_sendcountedtext(out, text, size) pq_sendcountedtext(out, text, size, false)
#else
#define compat_sendcountedtext(out, text, size) pq_sendcountedtext(out, text, size)
#endif

#endif							/* PERSONALIZE_COMPAT_H */
