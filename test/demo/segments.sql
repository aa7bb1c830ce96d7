-- limits of RFM scores, from all who bought within a year; kept until they are fitted again, monthly, say
SELECT personalize.fit_rfm('shop.activity');

-- which customers: rules, exact at every instant, without rescans
SELECT personalize.create_segment('shop.vips', 'shop.customers', 'customer_id', 'count(purchase, 365 days) >= VIP_ORDERS and sum(purchase, 365 days) >= VIP_SPENT');
SELECT personalize.create_segment('shop.lapsing_vips', 'shop.customers', 'customer_id', 'in(shop.vips) and not did(purchase, 60 days)');
SELECT personalize.create_segment('shop.new_customers', 'shop.customers', 'customer_id', 'first(purchase) < 30 days');
SELECT personalize.create_segment('shop.win_back', 'shop.customers', 'customer_id', 'did(purchase) and not did(purchase, 180 days)');
SELECT personalize.create_segment('shop.likely', 'shop.customers', 'customer_id', 'rfm(r 4-5, f 4-5)');
