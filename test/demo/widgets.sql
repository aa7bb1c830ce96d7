-- what each visitor sees: from the items they bought, without these, available now, no more than two of a category
SELECT personalize.create_widget('shop.for_you', sources => '{"shop.together": 1}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', exclude => '{bought}', max_per_category => 2, fallback => '{shop.best_sellers}', k => 6);
SELECT personalize.create_widget('shop.buy_again', sources => '{"buy_again": 1}', histories => '{"bought": "shop.customers_h"}', filter => 'available',
    rules => '{"rest": "none"}', k => 6);
SELECT personalize.create_widget('shop.trending_now', sources => '{"shop.trending": 1}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', exclude => '{bought}', max_per_category => 2, k => 6);
SELECT personalize.create_widget('shop.popular', sources => '{"shop.best_sellers": 1}', histories => '{"bought": "shop.customers_h"}', filter => 'available', k => 6);
SELECT personalize.create_widget('shop.new_in', sources => '{"new_arrivals": 1}', histories => '{"bought": "shop.customers_h"}', filter => 'available', k => 6);

-- a home page of five of them, with no product twice
SELECT personalize.create_page('shop.home', widgets => '[{"widget": "shop.for_you", "title": "For you"}, {"widget": "shop.trending_now", "title": "Trending"},
    {"widget": "shop.popular", "title": "Best sellers"}, {"widget": "shop.new_in", "title": "New"}, {"widget": "shop.buy_again", "title": "Buy it again"}]');

-- a product's page: what completes it, and the same sort of thing at 1.1 to 1.6 times the price
SELECT personalize.create_widget('shop.goes_with', sources => '{"shop.together": {"weight": 1, "from": ["item"]}}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', rules => '{"category": "other"}', max_per_category => 2, k => 6);
SELECT personalize.create_widget('shop.step_up', sources => '{"shop.together": {"weight": 1, "from": ["item"]}}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', rules => '{"category": "same", "price": {"min": 1.1, "max": 1.6, "of": "item"}}', k => 6);
SELECT personalize.create_page('shop.product', widgets => '[{"widget": "shop.goes_with", "title": "Goes with it"}, {"widget": "shop.step_up", "title": "A step up"}]');

-- a cart: what completes it for at most 0.6 times its value, and what closes the gap to free delivery, the nearest first
SELECT personalize.create_widget('shop.complete', sources => '{"shop.together": {"weight": 1, "from": ["cart"]}}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', rules => '{"price": {"max": 0.6, "of": "cart"}}', max_per_category => 2, k => 6);
SELECT personalize.create_widget('shop.free_delivery', sources => '{"shop.together": {"weight": 1, "from": ["cart"]}}', histories => '{"bought": "shop.customers_h"}',
    filter => 'available', rules => '{"price_fill": {"to": DELIVERY}}', fallback => '{shop.best_sellers}', k => 6);
SELECT personalize.create_page('shop.cart', widgets => '[{"widget": "shop.complete", "title": "Completes the cart"}, {"widget": "shop.free_delivery", "title": "To free delivery"}]');
