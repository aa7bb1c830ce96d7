// Added to a copy of the page by check_page.
(() => {
	const problems = [];
	const all = (selector, within = document) => [...within.querySelectorAll(selector)];
	const require = (holds, what) => { if (!holds) problems.push(what); };

	// alone
	require(performance.getEntriesByType('resource').length === 0, 'something is loaded');
	require(all('[src], link, iframe, object, embed, form').length === 0, 'an element could load something');
	require(!/url\(|@import/.test(all('style').map((s) => s.textContent).join('')), 'a style could load something');
	all('a[href]').forEach((a) => require(a.getAttribute('href')[0] === '#' && document.getElementById(a.getAttribute('href').slice(1)), 'a link leads nowhere: ' + a.getAttribute('href')));

	// in order
	require(document.documentElement.lang && document.title, 'no language or no title');
	const ids = all('[id]').map((e) => e.id);
	require(new Set(ids).size === ids.length, 'an id comes twice');
	all('[aria-labelledby]').forEach((e) => require(document.getElementById(e.getAttribute('aria-labelledby')), 'a label is missing'));
	let level = 0;
	all('h1, h2, h3, h4').forEach((h) => { require(Number(h.tagName[1]) <= level + 1, 'a heading is skipped before ' + h.textContent); level = Number(h.tagName[1]); });
	require(all('h1').length === 1 && all('main').length === 1, 'not one h1 and one main');
	all('svg').forEach((s) => require(s.getAttribute('aria-hidden') === 'true', 'a picture says nothing'));
	require(all('section').length === 5, 'not five pages');
	all('section').forEach((s) => require(all('ol', s).length > 0, 'a page without shelves: ' + s.id));
	all('ol').forEach((o) => require(o.children.length > 0, 'an empty shelf'));

	// to be seen
	const light = (color) => {
		const [r, g, b] = color.match(/[\d.]+/g).map(Number).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const color = getComputedStyle(e).backgroundColor;
			if (color !== 'rgba(0, 0, 0, 0)' && color !== 'transparent') return color;
		}
		return 'rgb(255, 255, 255)';
	};
	const dim = new Set();
	all('details').forEach((d) => { d.open = true; });
	all('body *').filter((e) => !e.closest('svg, script, .skip') && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).forEach((e) => {
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
		if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) dim.add(e.tagName.toLowerCase() + (e.className ? '.' + e.className : ''));
		require(e.getBoundingClientRect().height > 0, 'a text is not shown: ' + e.textContent.trim().slice(0, 40));
	});
	dim.forEach((e) => problems.push('too little contrast: ' + e));
	require(document.documentElement.scrollWidth <= window.innerWidth, 'the page is wider than the window');
	all('section li p').forEach((p) => require(p.scrollWidth <= p.clientWidth + 1, 'a text sticks out: ' + p.textContent));
	all('section li svg').forEach((s) => require(s.getBoundingClientRect().width > 80, 'a picture is too small'));

	document.documentElement.setAttribute('data-problems', [...new Set(problems)].join('; '));
})();
