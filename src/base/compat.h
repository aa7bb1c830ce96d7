/*
 * compat.h
 *		Every difference between the supported server versions, 13 to 18, each
 *		with the upstream change that made it.  No other file looks at
 *		PG_VERSION_NUM.
 */
#ifndef PERSONALIZE_COMPAT_H
#define PERSONALIZE_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"
#if PG_VERSION_NUM >= 140000
/* 14: split off pgstat.h (e1025044cd4) */
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/wait_event.h"
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
#define compat_materialize_record(fcinfo) compat_init_materialized_srf(fcinfo)
#define compat_materialize_scalar(fcinfo) compat_init_materialized_srf(fcinfo)
/* 15: unknown settings under a prefix are refused (88103567cb8) */
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#else
#define compat_materialize(fcinfo) InitMaterializedSRF(fcinfo, 0)
/* Where the query lists the columns: the list is the executor's, and would be freed after the first call without a copy. */
#define compat_materialize_record(fcinfo) InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC)
/* Rows of one column, which is of the type that the function returns. */
#define compat_materialize_scalar(fcinfo) InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC)
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

/* 14: a condition on ctid reads just those blocks (bb437f995d4) */
#define COMPAT_HAS_BLOCK_SCANS (PG_VERSION_NUM >= 140000)

#if PG_VERSION_NUM < 150000
/* 15: a sender may leave its reader asleep (46846433a03) */
#define compat_mq_send(queue, size, data) shm_mq_send(queue, size, data, false)
#define compat_mq_sendv(queue, parts, n) shm_mq_sendv(queue, parts, n, false)
#else
#define compat_mq_send(queue, size, data) shm_mq_send(queue, size, data, false, false)
#define compat_mq_sendv(queue, parts, n) shm_mq_sendv(queue, parts, n, false, true)
#endif

#if PG_VERSION_NUM < 160000
/* 16: the length of a counted text never includes itself (d1ce745db09) */
#define compat_sendcountedtext(out, text, size) pq_sendcountedtext(out, text, size, false)
#else
#define compat_sendcountedtext(out, text, size) pq_sendcountedtext(out, text, size)
#endif

#if PG_VERSION_NUM < 140000
/* 14: index entries go by the result relation, no longer by the state of the execution (a04daa97a43, 9dc718bdf2b) */
#define compat_insert_index_entries(relation, slot, estate, is_update, which) \
	((estate)->es_result_relation_info = (relation), ExecInsertIndexTuples(slot, estate, false, NULL, NIL))
/* 14: a numeric may be infinite (a57d312a770) */
#define numeric_is_inf(value) false
#elif PG_VERSION_NUM < 160000
#define compat_insert_index_entries(relation, slot, estate, is_update, which) \
	ExecInsertIndexTuples(relation, slot, estate, is_update, false, NULL, NIL)
#else
#define compat_insert_index_entries(relation, slot, estate, is_update, which) \
	ExecInsertIndexTuples(relation, slot, estate, is_update, false, NULL, NIL, (which) == TU_Summarizing)
#endif

#if PG_VERSION_NUM < 160000
/* 16: an update may need new entries in indexes that only summarize (19d8e2308bc) */
typedef bool TU_UpdateIndexes;
#define TU_None false
#endif

#if PG_VERSION_NUM >= 180000
/* 18: scans count their searches (0fbceae841c); who asks for a primary key says whether a deferrable one will do */
#define compat_index_beginscan(heap, index, snapshot, num_keys) index_beginscan(heap, index, snapshot, NULL, num_keys, 0)
#define compat_primary_key(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define compat_index_beginscan(heap, index, snapshot, num_keys) index_beginscan(heap, index, snapshot, num_keys, 0)
#define compat_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

#if PG_VERSION_NUM < 160000
/* 16: one check of owners and one of privileges for all kinds of objects (afbfc02983f, c727f511bd7) */
#define compat_owns_relation(relation, role) pg_class_ownercheck(relation, role)
#define compat_owns_function(function, role) pg_proc_ownercheck(function, role)
#define compat_owns_schema(schema, role) pg_namespace_ownercheck(schema, role)
#define compat_function_aclcheck(function, role, mode) pg_proc_aclcheck(function, role, mode)
#define compat_schema_aclcheck(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#else
#define compat_owns_relation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#define compat_owns_function(function, role) object_ownercheck(ProcedureRelationId, function, role)
#define compat_owns_schema(schema, role) object_ownercheck(NamespaceRelationId, schema, role)
#define compat_function_aclcheck(function, role, mode) object_aclcheck(ProcedureRelationId, function, role, mode)
#define compat_schema_aclcheck(schema, role, mode) object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

#if PG_VERSION_NUM < 140000
/* 14: cached plans are held by a resource owner that is named (c9d5298485b) */
#define compat_release_plan(plan) ReleaseCachedPlan(plan, true)
#else
#define compat_release_plan(plan) ReleaseCachedPlan(plan, CurrentResourceOwner)
#endif

#if PG_VERSION_NUM < 140000
/* 14: a partition can be detached in two steps (71f4c8c6f74) */
#define AT_DetachPartitionFinalize ((AlterTableType) -1)
#endif
#if PG_VERSION_NUM < 170000
/* 17: ALTER COLUMN SET EXPRESSION (5d06e99a3cf) */
#define AT_SetExpression ((AlterTableType) -1)
#endif

#if PG_VERSION_NUM < 170000
/* 17: a backend's number and its transaction's moved into one struct (28f3915b73f, ab355e3a88d) */
#define compat_local_transaction() (MyProc->lxid)
#else
#define compat_local_transaction() (MyProc->vxid.lxid)
#endif

#if PG_VERSION_NUM >= 180000
/* 18: replaced by pg_noreturn, which stands before the declaration (28f04984f0c) */
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif							/* PERSONALIZE_COMPAT_H */
