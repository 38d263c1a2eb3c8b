-- Families with the most joins, and with answers of the most works.

-- family 31: producers of violent works by the studios of a name
SELECT min(wg.value) AS genre, max(sc.value) AS votes, min(p.name) AS person, min(w.title) AS title
FROM credit c, studio s, fact_kind kg, fact_kind sk, tag t, work_studio ws, work_fact wg, work_score sc, work_tag wt, person p, work w
WHERE w.id = wg.work_id AND w.id = sc.work_id AND w.id = c.work_id AND w.id = wt.work_id AND w.id = ws.work_id
	AND c.work_id = wg.work_id AND c.work_id = sc.work_id AND c.work_id = wt.work_id AND c.work_id = ws.work_id
	AND wg.work_id = sc.work_id AND wg.work_id = wt.work_id AND wg.work_id = ws.work_id AND sc.work_id = wt.work_id
	AND sc.work_id = ws.work_id AND wt.work_id = ws.work_id AND p.id = c.person_id AND kg.id = wg.kind_id AND sk.id = sc.kind_id
	AND t.id = wt.tag_id AND s.id = ws.studio_id AND kg.label = 'genre' AND sk.label = 'votes'
-- 31a
AND c.remark IN ('(novel)', '(story)', '(screenplay)', '(dialogue)') AND wg.value IN ('Horror', 'Thriller', 'Crime') AND p.gender = 'm'
	AND s.name LIKE '%Pictures%'
-- 31b
AND c.remark = '(executive producer)' AND t.word IN ('murder', 'blood', 'gunfight', 'hostage', 'explosion', 'soldier')
	AND wg.value <> 'Comedy' AND s.country_code = 'US'
-- 31c
AND c.remark LIKE '(%' AND wg.value = 'War' AND s.country_code IN ('PL', 'DE', 'TR', 'AU')
-- 31d
AND c.remark IS NULL AND wg.value = 'Noir' AND w.year BETWEEN 1935 AND 1965 AND t.word NOT LIKE '%rain%'

-- family 32: works that many things are known of
SELECT min(w.title) AS title, count(*) AS rows
FROM work w, work_fact wg, work_fact wl, work_fact wp, fact_kind kg, fact_kind kl, fact_kind kp, work_tag wt, tag t, award a, prize z,
	release r, country co
WHERE w.id = wg.work_id AND w.id = wl.work_id AND w.id = wp.work_id AND w.id = wt.work_id AND w.id = a.work_id AND w.id = r.work_id
	AND kg.id = wg.kind_id AND kl.id = wl.kind_id AND kp.id = wp.kind_id AND t.id = wt.tag_id AND z.id = a.prize_id
	AND co.code = r.country_code AND kg.label = 'genre' AND kl.label = 'language' AND kp.label = 'filming place'
-- 32a
AND wg.value = 'Drama' AND wl.value = 'English' AND wp.value LIKE '%United States%' AND a.won AND co.zone = 'Europe'
-- 32b
AND wg.value IN ('Documentary', 'War', 'Animation') AND wl.value <> 'English' AND co.zone = 'America'
-- 32c
AND wl.value IN ('French', 'German', 'Italian') AND wp.value LIKE 'Berlin%' AND z.name <> 'Golden Lantern'
-- 32d
AND wg.value = 'Comedy' AND t.word LIKE 'wedding%' AND r.day > date '1990-01-01'

-- family 33: the same people in a work and in what it follows
SELECT min(p.name) AS person, min(w1.title) AS title, min(w2.title) AS linked, count(*) AS rows
FROM work w1, work w2, work_link wl, link_kind lk, credit c1, credit c2, person p, job j1, job j2, form f
WHERE w1.id = wl.work_id AND w2.id = wl.linked_id AND lk.id = wl.kind_id AND c1.work_id = w1.id AND c2.work_id = w2.id
	AND c1.work_id = wl.work_id AND c2.work_id = wl.linked_id AND c1.person_id = p.id AND c2.person_id = p.id
	AND c1.person_id = c2.person_id AND j1.id = c1.job_id AND j2.id = c2.job_id AND f.id = w1.form_id
-- 33a
AND lk.label = 'references' AND p.country_code = 'US'
-- 33b
AND lk.label IN ('follows', 'remake of') AND f.label = 'feature'
-- 33c
AND j1.label = 'director' AND w2.year > 1950
-- 33d
AND j1.label IN ('actor', 'actress') AND j2.label IN ('actor', 'actress') AND w1.year - w2.year BETWEEN -10 AND 10

-- family 34: pairs of players who meet in more than one form of work
SELECT min(p1.name) AS one, min(p2.name) AS other, count(*) AS meetings
FROM credit c1, credit c2, person p1, person p2, work w, form f, work_fact wf, fact_kind fk
WHERE c1.work_id = c2.work_id AND c1.work_id = w.id AND c2.work_id = w.id AND c1.place < c2.place AND p1.id = c1.person_id
	AND p2.id = c2.person_id AND f.id = w.form_id AND w.id = wf.work_id AND fk.id = wf.kind_id AND fk.label = 'genre'
-- 34a
AND p1.country_code = 'SE' AND p2.country_code = 'DK'
-- 34b
AND f.label = 'feature' AND wf.value = 'Western' AND p1.country_code = 'IT' AND p2.gender = 'f'
-- 34c
AND f.label = 'series' AND wf.value IN ('Crime', 'Mystery') AND p1.born < 1950 AND p2.born > 1980
