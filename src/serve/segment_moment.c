/*
 * segment_moment.c
 *		What a statement sees, and when it is.
 *
 * Snapshots are compared by what they say: memory of one that is gone may be that of the next.  The subtransaction counts too, since one that is rolled
 * back takes its rows along without a new command.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "serve/segment_moment.h"

/* --- when it is ------------------------------------------------------------- */

/* A cursor is fetched from by statement after statement, and one result must not mix their times. */
typedef struct PortalTime
{
	Portal		portal;
	TimestampTz at;
	struct PortalTime *next;
} PortalTime;

static PortalTime *portal_times = NULL;

/* The memory of the portal goes. */
static void
forget_portal(void *arg)
{
	for (PortalTime **p = &portal_times; *p != NULL; p = &(*p)->next)
		if (*p == arg)
		{
			*p = (*p)->next;
			return;
		}
}

static TimestampTz
remember_portal(Portal portal)
{
	PortalTime *time = MemoryContextAllocZero(portal->portalContext, sizeof(PortalTime));
	MemoryContextCallback *callback = MemoryContextAllocZero(portal->portalContext, sizeof(MemoryContextCallback));

	*time = (PortalTime) {portal, GetCurrentStatementStartTimestamp(), portal_times};
	callback->func = forget_portal;
	callback->arg = time;
	MemoryContextRegisterResetCallback(portal->portalContext, callback);
	portal_times = time;
	return time->at;
}

static TimestampTz
moment_time(void)
{
	TimestampTz now = clock_statement();

	if (ActivePortal == NULL || now != GetCurrentStatementStartTimestamp())
		return now;
	for (PortalTime *p = portal_times; p != NULL; p = p->next)
		if (p->portal == ActivePortal)
			return p->at;
	return remember_portal(ActivePortal);
}

/* --- what is seen ----------------------------------------------------------- */

/* Of a copied snapshot there are none, whatever it counts, where a transaction had too many for shared memory. */
static bool
same_transactions(const TransactionId *a, uint32 num_a, const TransactionId *b, uint32 num_b)
{
	if (num_a != num_b || num_a == 0 || a == NULL || b == NULL)
		return num_a == num_b && (num_a == 0 || a == b);
	return memcmp(a, b, num_a * sizeof(TransactionId)) == 0;
}

static bool
same_snapshot(const SnapshotData *a, const SnapshotData *b)
{
	return a->xmin == b->xmin && a->xmax == b->xmax && a->curcid == b->curcid &&
		a->suboverflowed == b->suboverflowed && a->takenDuringRecovery == b->takenDuringRecovery &&
		same_transactions(a->xip, a->xcnt, b->xip, b->xcnt) && same_transactions(a->subxip, a->subxcnt, b->subxip, b->subxcnt);
}

static TransactionId *
copy_transactions(const TransactionId *transactions, uint32 n)
{
	TransactionId *copy;

	if (transactions == NULL)
		return NULL;
	copy = palloc((n + 1) * sizeof(TransactionId));
	if (n > 0)
		memcpy(copy, transactions, n * sizeof(TransactionId));
	return copy;
}

void
segment_moment_take(SegmentMoment *moment)
{
	moment->at = moment_time();
	moment->subtransaction = GetCurrentSubTransactionId();
	moment->snapshot = *GetActiveSnapshot();
	moment->snapshot.xip = copy_transactions(moment->snapshot.xip, moment->snapshot.xcnt);
	moment->snapshot.subxip = copy_transactions(moment->snapshot.subxip, moment->snapshot.subxcnt);
}

bool
segment_moment_holds(const SegmentMoment *moment)
{
	return moment->at == moment_time() && moment->subtransaction == GetCurrentSubTransactionId() &&
		same_snapshot(&moment->snapshot, GetActiveSnapshot());
}
