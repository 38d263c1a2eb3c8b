-- Families of queries about studios, releases and countries.

-- family 12: which studios of a country make what is well rated
SELECT min(s.name) AS studio, min(sc.value) AS rating, min(w.title) AS title
FROM work w, studio s, studio_part sp, work_studio ws, work_fact wf, fact_kind fk, work_score sc, fact_kind sk
WHERE w.id = wf.work_id AND w.id = sc.work_id AND w.id = ws.work_id AND wf.work_id = sc.work_id AND ws.work_id = wf.work_id
	AND ws.work_id = sc.work_id AND fk.id = wf.kind_id AND sk.id = sc.kind_id AND sp.id = ws.part_id AND s.id = ws.studio_id
	AND sk.label = 'rating'
-- 12a
AND s.country_code = 'US' AND sp.label = 'production' AND fk.label = 'genre' AND wf.value IN ('Drama', 'Horror') AND sc.value > 7.0
	AND w.year BETWEEN 1990 AND 2024
-- 12b
AND s.country_code = 'US' AND sp.label = 'distribution' AND fk.label = 'country' AND wf.value = 'India' AND sc.value > 3.0
-- 12c
AND s.country_code = 'FR' AND sp.label IN ('production', 'distribution') AND fk.label = 'language' AND wf.value = 'French'
	AND sc.value > 6.5

-- family 13: votes and releases of works by form and producing country
SELECT min(r.day) AS first_day, min(sc.value) AS votes, min(w.title) AS title
FROM work w, form f, studio s, studio_part sp, work_studio ws, work_score sc, fact_kind sk, release r
WHERE f.id = w.form_id AND w.id = r.work_id AND w.id = ws.work_id AND w.id = sc.work_id AND r.work_id = sc.work_id
	AND ws.work_id = r.work_id AND s.id = ws.studio_id AND sp.id = ws.part_id AND sk.id = sc.kind_id AND sp.label = 'production'
	AND sk.label = 'votes'
-- 13a
AND f.label = 'feature' AND s.country_code = 'DE'
-- 13b
AND f.label = 'feature' AND s.country_code = 'US' AND (w.title LIKE 'The Last%' OR w.title LIKE '%Fury%')
-- 13c
AND f.label = 'feature' AND s.country_code = 'US' AND w.title LIKE '%Robot%'
-- 13d
AND f.label = 'episode' AND s.country_code = 'GB' AND r.medium IN ('television', 'stream')

-- family 14: genres, ratings and tags of works of some countries
SELECT min(sc.value) AS rating, min(w.title) AS title
FROM work w, form f, work_fact wc, fact_kind kc, work_score sc, fact_kind sk, work_tag wt, tag t
WHERE f.id = w.form_id AND w.id = wc.work_id AND w.id = wt.work_id AND w.id = sc.work_id AND wt.work_id = wc.work_id
	AND wt.work_id = sc.work_id AND wc.work_id = sc.work_id AND t.id = wt.tag_id AND kc.id = wc.kind_id AND sk.id = sc.kind_id
	AND kc.label = 'country' AND sk.label = 'rating'
-- 14a
AND f.label = 'feature' AND t.word IN ('murder', 'heist', 'detective', 'blood')
	AND wc.value IN ('Sweden', 'Denmark', 'Germany', 'United Kingdom', 'United States') AND sc.value < 8.5 AND w.year > 2000
-- 14b
AND f.label IN ('feature', 'episode') AND t.word LIKE '%murder%' AND wc.value IN ('Sweden', 'Denmark', 'Poland') AND w.year > 1950
-- 14c
AND f.label = 'feature' AND t.word IN ('haunted-house', 'vampire', 'blood') AND wc.value IN ('Japan', 'Italy', 'Canada', 'Spain')
	AND sc.value < 7.0

-- family 15: American releases with other titles
SELECT min(r.day) AS day, min(w.title) AS title, count(*) AS rows
FROM work w, work_alias wa, studio s, work_studio ws, studio_part sp, release r, work_tag wt, tag t
WHERE w.id = wa.work_id AND w.id = r.work_id AND w.id = wt.work_id AND w.id = ws.work_id AND wt.work_id = r.work_id
	AND wt.work_id = ws.work_id AND wt.work_id = wa.work_id AND r.work_id = ws.work_id AND r.work_id = wa.work_id AND t.id = wt.tag_id
	AND s.id = ws.studio_id AND sp.id = ws.part_id
-- 15a
AND s.country_code = 'US' AND ws.remark LIKE '%(worldwide)%' AND r.medium = 'cinema' AND w.year > 1990
-- 15b
AND s.country_code = 'US' AND ws.remark LIKE '%(stream)%' AND r.medium = 'stream' AND r.country_code = 'US'
-- 15c
AND s.country_code = 'JP' AND w.year > 1980 AND r.country_code IN ('JP', 'US')
-- 15d
AND s.country_code = 'FR' AND sp.label = 'production' AND r.day > date '1970-01-01' AND wa.remark IS NOT NULL

-- family 16: studios without a known foundation
SELECT min(s.name) AS studio, min(w.title) AS title, count(*) AS works
FROM work w, work_studio ws, studio s, studio_part sp, release r, country co
WHERE w.id = ws.work_id AND s.id = ws.studio_id AND sp.id = ws.part_id AND w.id = r.work_id AND r.work_id = ws.work_id
	AND co.code = s.country_code
-- 16a
AND s.founded IS NULL AND co.zone = 'Asia' AND sp.label = 'production' AND r.country_code = co.code
-- 16b
AND s.founded < 1930 AND co.zone = 'Europe' AND w.year > 1990 AND r.country_code <> co.code
-- 16c
AND s.founded > 2000 AND co.name = 'United States' AND sp.label <> 'distribution' AND r.medium = 'stream'

-- family 17: links between the works of large studios
SELECT min(s1.name) AS studio, min(s2.name) AS studio_linked, min(sc1.value) AS rating, min(sc2.value) AS rating_linked,
	min(w1.title) AS title, min(w2.title) AS linked
FROM studio s1, studio s2, work_studio ws1, work_studio ws2, work w1, work w2, form f1, form f2, work_link wl, link_kind lk,
	work_score sc1, work_score sc2, fact_kind k1, fact_kind k2
WHERE lk.id = wl.kind_id AND w1.id = wl.work_id AND w2.id = wl.linked_id AND f1.id = w1.form_id AND f2.id = w2.form_id
	AND sc1.work_id = w1.id AND sc2.work_id = w2.id AND k1.id = sc1.kind_id AND k2.id = sc2.kind_id AND ws1.work_id = w1.id
	AND ws2.work_id = w2.id AND s1.id = ws1.studio_id AND s2.id = ws2.studio_id AND ws1.work_id = sc1.work_id
	AND ws2.work_id = sc2.work_id AND k1.label = 'rating' AND k2.label = 'rating'
-- 17a
AND s1.country_code = 'US' AND f1.label IN ('feature', 'series') AND f2.label = 'feature' AND lk.label IN ('follows', 'references')
	AND sc2.value < 7.0
-- 17b
AND s1.country_code <> 'US' AND s2.country_code = 'US' AND f1.label = 'feature' AND lk.label = 'remake of'
-- 17c
AND s1.country_code = s2.country_code AND f2.label = 'feature' AND sc2.value > 6.5 AND w2.year BETWEEN 1980 AND 2024

-- family 18: adaptations and who finances them
SELECT min(s.name) AS studio, min(w.title) AS title, min(lk.label) AS link
FROM studio s, studio_part sp, work_studio ws, work w, work_tag wt, tag t, work_link wl, link_kind lk
WHERE lk.id = wl.kind_id AND wl.work_id = w.id AND w.id = wt.work_id AND t.id = wt.tag_id AND w.id = ws.work_id AND sp.id = ws.part_id
	AND s.id = ws.studio_id AND wl.work_id = wt.work_id AND wl.work_id = ws.work_id AND wt.work_id = ws.work_id
-- 18a
AND s.country_code <> 'PL' AND (s.name LIKE '%Film%' OR s.name LIKE '%Studio%') AND sp.label = 'production' AND t.word = 'sequel'
	AND lk.label LIKE '%follow%' AND ws.remark IS NULL
-- 18b
AND s.name LIKE '%Entertainment%' AND sp.label = 'distribution' AND t.word IN ('sequel', 'superhero') AND w.year > 1995
-- 18c
AND sp.label IN ('effects', 'finance') AND t.word IN ('sequel', 'based-on-novel', 'cult-favourite', 'superhero')
	AND w.year BETWEEN 1950 AND 2024

-- family 19: what came out abroad before it was old
SELECT min(w.title) AS title, min(r2.day) AS abroad, count(*) AS releases
FROM work w, release r1, release r2, work_fact wf, fact_kind fk, country co
WHERE w.id = r1.work_id AND w.id = r2.work_id AND r1.work_id = r2.work_id AND w.id = wf.work_id AND fk.id = wf.kind_id
	AND fk.label = 'country' AND co.name = wf.value AND r1.country_code = co.code AND r1.id < r2.id
-- 19a
AND co.name = 'Japan' AND r2.country_code = 'US' AND r2.day > r1.day
-- 19b
AND co.zone = 'Europe' AND r2.medium = 'disc' AND r2.day > r1.day
-- 19c
AND co.zone = 'America' AND r1.medium = 'cinema' AND r2.medium IN ('television', 'video tape')
	AND r2.day BETWEEN date '1980-01-01' AND date '1999-12-31'

-- family 20: coverage of works that a studio of some name distributes
SELECT min(w.title) AS title, min(s.name) AS studio, count(*) AS rows
FROM coverage cv, coverage_kind k1, coverage_kind k2, work w, work_studio ws, studio s, studio_part sp, work_fact wf, fact_kind fk
WHERE k1.id = cv.subject_id AND k2.id = cv.status_id AND w.id = cv.work_id AND w.id = ws.work_id AND cv.work_id = ws.work_id
	AND s.id = ws.studio_id AND sp.id = ws.part_id AND w.id = wf.work_id AND wf.work_id = cv.work_id AND fk.id = wf.kind_id
-- 20a
AND k1.label = 'cast' AND k2.label LIKE 'complete%' AND sp.label = 'distribution' AND s.name LIKE '%Studios' AND fk.label = 'genre'
-- 20b
AND k1.label IN ('cast', 'crew') AND k2.label = 'complete and verified' AND sp.label = 'production' AND fk.label = 'genre'
	AND wf.value IN ('Action', 'Comedy', 'Drama')
-- 20c
AND k1.label = 'crew' AND k2.label = 'complete' AND s.country_code <> 'US' AND fk.label = 'language' AND wf.value = 'English'
