/*
 * table_writer.c
 *		Not there yet.
 */
#include "base/compat.h"

#include "model/table_writer.h"

TableWriter *
table_writer_open(Oid relation)
{
	elog(ERROR, "table_writer_open is not there yet");
}

Relation
table_writer_relation(const TableWriter *writer)
{
	elog(ERROR, "table_writer_relation is not there yet");
}

void
table_writer_insert(TableWriter *writer, const Datum *values, const bool *nulls)
{
	elog(ERROR, "table_writer_insert is not there yet");
}

void
table_writer_update(TableWriter *writer, HeapTuple old, const Datum *values, const bool *nulls, const bool *replace)
{
	elog(ERROR, "table_writer_update is not there yet");
}

void
table_writer_delete(TableWriter *writer, HeapTuple old)
{
	elog(ERROR, "table_writer_delete is not there yet");
}

void
table_writer_flush(TableWriter *writer)
{
	elog(ERROR, "table_writer_flush is not there yet");
}

void
table_writer_close(TableWriter *writer)
{
	elog(ERROR, "table_writer_close is not there yet");
}

KeyScan *
key_scan_open(Relation relation, int num_keys, Snapshot snapshot)
{
	elog(ERROR, "key_scan_open is not there yet");
}

void
key_scan_start(KeyScan *scan, const Datum *keys)
{
	elog(ERROR, "key_scan_start is not there yet");
}

HeapTuple
key_scan_next(KeyScan *scan)
{
	elog(ERROR, "key_scan_next is not there yet");
}

void
key_scan_close(KeyScan *scan)
{
	elog(ERROR, "key_scan_close is not there yet");
}
