/*
 * layout.c
 *		The layout of everything that is stored, pinned: what fails to compile here
 *		would have failed to read yesterday's data.
 */
#include "postgres.h"

#include "value/buyer.h"
#include "value/cooccurrence.h"
#include "value/response_model.h"
#include "value/rfm.h"

StaticAssertDecl(offsetof(Cooccurrence, version) == 4, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, key_type) == 5, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, flags) == 6, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, num_items) == 8, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, keys_size) == 12, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, damping) == 16, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, num_baskets) == 24, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, num_lists) == 32, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, num_entries) == 40, "stored layout");
StaticAssertDecl(offsetof(Cooccurrence, data) == 48, "stored layout");

StaticAssertDecl(offsetof(StoredBuyerModel, version) == 4, "stored layout");
StaticAssertDecl(offsetof(StoredBuyerModel, kind) == 5, "stored layout");
StaticAssertDecl(offsetof(StoredBuyerModel, problem) == 6, "stored layout");
StaticAssertDecl(offsetof(StoredBuyerModel, spend_problem) == 7, "stored layout");
StaticAssertDecl(offsetof(StoredBuyerModel, field) == 8, "stored layout");
StaticAssertDecl(offsetof(StoredBuyerModel, rates) == 112, "stored layout");
StaticAssertDecl(BUYER_RATE_NUMBERS == 34, "stored layout");
StaticAssertDecl(BUYER_BG == 1 && BUYER_MBG == 2 && BUYER_PARETO == 3 && BUYER_NO_SPEND == 6, "stored layout");

StaticAssertDecl(offsetof(StoredRfm, version) == 4, "stored layout");
StaticAssertDecl(offsetof(StoredRfm, levels) == 5, "stored layout");
StaticAssertDecl(offsetof(StoredRfm, customers) == 8, "stored layout");
StaticAssertDecl(offsetof(StoredRfm, limits) == 16, "stored layout");
StaticAssertDecl(sizeof(StoredRfm) == 112, "stored layout");
StaticAssertDecl(RFM_RECENCY == 0 && RFM_FREQUENCY == 1 && RFM_MONETARY == 2, "stored layout");

StaticAssertDecl(offsetof(StoredResponseFit, lags) == 24, "stored layout");
StaticAssertDecl(offsetof(StoredResponseFit, responses) == 216, "stored layout");
StaticAssertDecl(offsetof(StoredResponseFit, risk) == 888, "stored layout");
StaticAssertDecl(sizeof(StoredResponseFit) == 1560, "stored layout");
StaticAssertDecl(offsetof(StoredResponseModel, half_life) == 8, "stored layout");
StaticAssertDecl(offsetof(StoredResponseModel, fits) == 32, "stored layout");
StaticAssertDecl(sizeof(StoredResponseModel) == 3152, "stored layout");
