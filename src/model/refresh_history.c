/*
 * refresh_history.c
 *		Changed baskets: read again from the shop's tables, compared with what the history
 *		has, and their difference handed to the models.
 */
#include "base/compat.h"

#include "model/refresh_group.h"

void
refresh_baskets(RefreshGroup *group)
{
	elog(ERROR, "not there yet");
}

Datum
refresh_basket_key(const RefreshGroup *group, uint32 code)
{
	return key_datum(&group->baskets, group->basket_type, code, group->basket_type);
}

void
refresh_add_basket(RefreshGroup *group, GroupHistory *history, Datum basket)
{
	key_add(&group->server.env, &group->baskets, group->basket_type, basket);
}
