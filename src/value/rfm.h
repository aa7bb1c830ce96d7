/*
 * rfm.h
 *		The type rfm_model: limits of scores.
 */
#ifndef PERSONALIZE_VALUE_RFM_H
#define PERSONALIZE_VALUE_RFM_H

#include "base/compat.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#include "kernel/rfm.h"

/* As it is stored; the type's storage is plain, so nothing shortens the header. */
typedef struct StoredRfm
{
	int32		vl_len_;
	uint8		version;
	uint8		levels;
	uint16		padding;
	uint64		customers;
	int64		limits[RFM_SIDES][RFM_MOST_LIMITS];
} StoredRfm;

#define RFM_UNITS_PER_ONE ACTIVITY_AMOUNT_UNIT
#define RFM_MOST_UNITS INT64CONST(1000000000000000000)

extern bytea *rfm_form(const RfmModel *model);	/* checks it, too */
extern void rfm_read(bytea *value, RfmModel *model);
extern uint32 rfm_levels(int64 levels); /* 3 or 5, or an error */
extern int64 rfm_units(double monetary);

/*
 * Scores of an activity at a time, and until when they hold without a new event, RFM_NEVER for ever; false where there is no order in the window.
 * Recency counts days of the zone.
 */
extern bool rfm_of_activity(Datum activity, const char *event, uint32 event_size, int64 length, TimestampTz as_of, pg_tz *zone, RfmNumbers *numbers, int64 *changes);
extern int64 rfm_stable_until(const RfmModel *model, const RfmNumbers *numbers, int64 changes, TimestampTz as_of, pg_tz *zone);

#endif							/* PERSONALIZE_VALUE_RFM_H */
