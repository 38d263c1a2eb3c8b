-- Families of queries about works, their facts, scores, tags and links.
--
-- A family is a statement that ends with its joins; each variant adds predicates to it. Aliases are the same throughout:
-- w work, f form, wf work_fact, fk fact_kind, sc work_score, sk fact_kind of scores, wt work_tag, t tag, ws work_studio, s studio, sp studio_part,
-- c credit, p person, j job, g figure, pf person_fact, pk fact_kind of people, pa person_alias, wl work_link, lk link_kind, wa work_alias,
-- cv coverage, r release, a award, z prize, co country, la language.

-- family 01: remarks of distributors on works of a rank
SELECT min(ws.remark) AS remark, min(w.title) AS title, min(w.year) AS year
FROM work w, work_studio ws, studio_part sp, work_score sc, fact_kind sk
WHERE sp.id = ws.part_id AND w.id = ws.work_id AND w.id = sc.work_id AND ws.work_id = sc.work_id AND sk.id = sc.kind_id
-- 01a
AND sp.label = 'production' AND sk.label = 'top rank' AND ws.remark LIKE '%(presents)%'
-- 01b
AND sp.label = 'distribution' AND sk.label = 'rating' AND sc.value > 8.0 AND w.year BETWEEN 2005 AND 2020
-- 01c
AND sp.label = 'distribution' AND sk.label = 'votes' AND sc.value > 5000 AND ws.remark LIKE '%(video tape)%'
-- 01d
AND sp.label = 'production' AND sk.label = 'rating' AND sc.value BETWEEN 5.0 AND 5.5
	AND (ws.remark LIKE '%(co-production)%' OR ws.remark LIKE '%(presents)%')

-- family 02: works with a tag, made by the studios of a country
SELECT min(w.title) AS title, count(*) AS works
FROM work w, work_tag wt, tag t, work_studio ws, studio s
WHERE w.id = wt.work_id AND t.id = wt.tag_id AND w.id = ws.work_id AND wt.work_id = ws.work_id AND s.id = ws.studio_id
-- 02a
AND t.word = 'martial-arts' AND s.country_code = 'HK'
-- 02b
AND t.word = 'martial-arts' AND s.country_code = 'DE'
-- 02c
AND t.word = 'robot' AND s.country_code = 'JP'
-- 02d
AND t.word IN ('dance', 'singer', 'stage') AND s.country_code = 'IN'

-- family 03: sequels told by their country
SELECT min(w.title) AS title, max(w.year) AS latest
FROM work w, work_tag wt, tag t, work_fact wf
WHERE w.id = wf.work_id AND w.id = wt.work_id AND wt.work_id = wf.work_id AND t.id = wt.tag_id
-- 03a
AND t.word LIKE '%sequel%' AND wf.value IN ('Sweden', 'Denmark', 'Germany', 'Italy') AND w.year > 1990
-- 03b
AND t.word LIKE '%sequel%' AND wf.value = 'United States' AND w.year > 2010
-- 03c
AND t.word LIKE '%sequel%' AND wf.value IN ('English', 'French', 'Japanese', 'United Kingdom') AND w.year > 1960

-- family 04: ratings of works with a tag
SELECT min(sc.value) AS rating, min(w.title) AS title
FROM work w, work_score sc, fact_kind sk, work_tag wt, tag t
WHERE w.id = sc.work_id AND w.id = wt.work_id AND wt.work_id = sc.work_id AND t.id = wt.tag_id AND sk.id = sc.kind_id
	AND sk.label = 'rating'
-- 04a
AND t.word LIKE '%sequel%' AND sc.value > 5.0 AND w.year > 2005
-- 04b
AND t.word LIKE '%sequel%' AND sc.value > 7.5 AND w.year > 1995
-- 04c
AND t.word = 'cult-favourite' AND sc.value > 2.0 AND w.year > 1950
-- 04d
AND t.word LIKE 'vampire%' AND sc.value < 5.0

-- family 05: works of a language that came out in a form
SELECT min(w.title) AS title, count(*) AS releases
FROM work w, work_fact wf, fact_kind fk, release r
WHERE w.id = wf.work_id AND w.id = r.work_id AND wf.work_id = r.work_id AND fk.id = wf.kind_id AND fk.label = 'language'
-- 05a
AND wf.value = 'Korean' AND r.medium = 'stream' AND r.country_code = 'US'
-- 05b
AND wf.value IN ('Hindi', 'Tamil') AND r.medium = 'cinema' AND r.country_code = 'IN'
-- 05c
AND wf.value = 'English' AND r.medium = 'video tape' AND r.day BETWEEN date '1985-01-01' AND date '1995-12-31'

-- family 06: what works that link to others are like
SELECT min(lk.label) AS link, min(w1.title) AS title, min(w2.title) AS linked
FROM work w1, work w2, work_link wl, link_kind lk, form f1, form f2
WHERE lk.id = wl.kind_id AND w1.id = wl.work_id AND w2.id = wl.linked_id AND f1.id = w1.form_id AND f2.id = w2.form_id
-- 06a
AND lk.label = 'follows' AND f1.label = 'feature' AND f2.label = 'feature' AND w1.year > 2000
-- 06b
AND lk.label IN ('references', 'features') AND f1.label = 'episode' AND f2.label = 'feature' AND w2.year < 1980
-- 06c
AND lk.label = 'remake of' AND f1.label = 'feature' AND f2.label IN ('series', 'feature') AND w1.year BETWEEN 1990 AND 2024

-- family 07: how works that link, and those they link to, are rated
SELECT min(w1.title) AS title, min(s1.value) AS rating, max(s2.value) AS rating_linked
FROM work w1, work w2, work_link wl, link_kind lk, work_score s1, work_score s2, fact_kind k1, fact_kind k2
WHERE lk.id = wl.kind_id AND w1.id = wl.work_id AND w2.id = wl.linked_id AND s1.work_id = w1.id AND s2.work_id = w2.id
	AND s1.work_id = wl.work_id AND s2.work_id = wl.linked_id AND k1.id = s1.kind_id AND k2.id = s2.kind_id AND k1.label = 'rating'
	AND k2.label = 'rating'
-- 07a
AND lk.label IN ('follows', 'remake of') AND s1.value < 6.0 AND s2.value > 6.0
-- 07b
AND lk.label = 'references' AND s1.value > 7.0 AND s2.value > 7.5 AND w2.year < 1970
-- 07c
AND lk.label <> 'references' AND s1.value < 5.0 AND s2.value < 6.0 AND w1.year > 1999

-- family 08: genre against votes and budget
SELECT min(w.title) AS title, max(sc.value) AS votes, min(wb.value) AS budget
FROM work w, work_fact wg, fact_kind kg, work_fact wb, fact_kind kb, work_score sc, fact_kind sk
WHERE w.id = wg.work_id AND w.id = wb.work_id AND w.id = sc.work_id AND wg.work_id = wb.work_id AND wg.work_id = sc.work_id
	AND kg.id = wg.kind_id AND kb.id = wb.kind_id AND sk.id = sc.kind_id AND kg.label = 'genre' AND kb.label = 'budget' AND sk.label = 'votes'
-- 08a
AND wg.value IN ('Horror', 'Thriller') AND sc.value > 1000
-- 08b
AND wg.value = 'Western' AND w.year BETWEEN 1950 AND 1985
-- 08c
AND wg.value IN ('Drama', 'Comedy') AND wb.remark = 'estimated' AND sc.value < 500
-- 08d
AND wg.value = 'Animation' AND w.year > 1990 AND w.title LIKE '%Robot%'

-- family 09: works whose genre does not go with their country
SELECT min(w.title) AS title, count(*) AS works
FROM work w, form f, work_fact wg, fact_kind kg, work_fact wc, fact_kind kc
WHERE f.id = w.form_id AND w.id = wg.work_id AND w.id = wc.work_id AND wg.work_id = wc.work_id AND kg.id = wg.kind_id
	AND kc.id = wc.kind_id AND kg.label = 'genre' AND kc.label = 'country'
-- 09a
AND f.label = 'feature' AND wg.value = 'Musical' AND wc.value = 'India'
-- 09b
AND f.label = 'feature' AND wg.value = 'Musical' AND wc.value IN ('Germany', 'France', 'Italy')
-- 09c
AND f.label IN ('feature', 'short') AND wg.value = 'Animation' AND wc.value = 'Japan' AND w.year > 1970
-- 09d
AND f.label = 'documentary' AND wg.value = 'Documentary' AND wc.value = 'Germany' AND w.year < 2000

-- family 10: episodes of series and the tags of both
SELECT min(w.title) AS episode, min(ser.title) AS series, count(*) AS pairs
FROM work w, work ser, form f, work_tag wt, tag t, work_tag st
WHERE ser.id = w.series_id AND f.id = ser.form_id AND w.id = wt.work_id AND t.id = wt.tag_id AND ser.id = st.work_id AND st.tag_id = t.id
-- 10a
AND f.label = 'series' AND w.season = 1 AND t.word LIKE '%-%'
-- 10b
AND f.label = 'series' AND w.season > 4 AND t.word IN ('murder', 'detective', 'heist', 'family-secret', 'small-town', 'letter', 'wedding')
-- 10c
AND w.year BETWEEN 1960 AND 1999 AND w.title LIKE '%The%'

-- family 11: what a work is called elsewhere
SELECT min(wa.title) AS other_title, min(w.title) AS title
FROM work w, work_alias wa, country co, language la, work_fact wf, fact_kind fk
WHERE w.id = wa.work_id AND co.code = wa.country_code AND la.id = co.language_id AND w.id = wf.work_id AND wf.work_id = wa.work_id
	AND fk.id = wf.kind_id
-- 11a
AND la.label = 'English' AND wa.remark = 'international title' AND fk.label = 'genre' AND wf.value = 'Drama'
-- 11b
AND la.label <> 'English' AND wa.remark = 'working title' AND fk.label = 'genre' AND w.year > 1990
-- 11c
AND co.zone = 'Europe' AND wa.remark IS NULL AND fk.label = 'language' AND wf.value = 'English'
