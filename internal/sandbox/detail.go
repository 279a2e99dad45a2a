package sandbox

import "strconv"

// old tells whether an indicator is written as in 2019, when a list without entries had no key at all, rather than as in 2023, when it was
// []. Without an oddity that says so, some are and some are not.
func (e *encoder) old(i indicator) bool {
	switch {
	case e.odd.has(shapes2019 | missingKeys):
		return true
	case e.odd.has(shapes2023 | shapes2025):
		return false
	}
	return i.pick(slotShape, 2) == 0
}

// detailForm says how an indicator is written in full.
type detailForm struct {
	historical, schema bool
	scan               *scan // what it answers, nil in a look-up
	scanned            int64 // when it was scanned last, 0 if never
}

// detail writes an indicator in full.
func (e *encoder) detail(i indicator, f detailForm) {
	e.begin('{')
	e.identity(i, f)
	e.stamps(i, f)
	e.intField("recent", i.pick(slotSeen, 2))
	e.intField("submissions", i.submissions())
	if i.pick(slotComment, 8) == 0 {
		e.intField("umbrella_rank", i.pick(slotUpdated, 1_000_000)+1)
		e.stringField("umbrella_domain", "example.com")
	}
	if f.schema {
		e.rawField("schema", `{"hosttype":"Host Type","port":"Port","protocol":"Protocol","technology":"Technology"}`)
	}
	e.riskFactors(i)
	e.redirectFields(i)
	e.attributes(i)
	e.parent(i)
	e.key("properties")
	if f.historical || f.scan != nil || e.odd.has(propertyLists) {
		e.propertyRows(i, f)
	} else {
		e.propertyMap(i.properties())
	}
	e.threatRefs(i)
	e.feedRefs(i)
	e.comments(i)
	if f.scan != nil {
		e.scanFields(i, f.scan)
	}
	e.end('}')
}

// ids writes the numbers of an indicator. In a scan of 2019 they were texts, and qid stood elsewhere.
func (e *encoder) ids(i indicator, f detailForm) {
	old := f.scan != nil && e.odd.has(shapes2019)
	switch {
	case old:
	case f.scan != nil:
		e.intField("qid", f.scan.qid)
	default:
		e.rawField("qid", "null")
	}
	switch {
	case i.iid() == 0:
		e.rawField("iid", "null")
	case old:
		e.stringField("iid", strconv.Itoa(i.iid()))
	default:
		e.intField("iid", i.iid())
	}
}

func (e *encoder) identity(i indicator, f detailForm) {
	e.ids(i, f)
	e.stringField("type", i.kind())
	e.stringField("indicator", i.value())
	e.stringField("risk", risks[i.risk()])
	e.stringField("risk_recommended", risks[i.risk()])
	e.intField("manualrisk", i.pick(slotPath, 10)/9)
	switch {
	case i.retired():
		e.stringField("retired", retireReason)
	case i.pick(slotTitle, 16) == 0:
		e.rawField("retired", "0")
	default:
		e.rawField("retired", "null")
	}
}

// stamps writes the times; one that is missing is null or, now and then, an empty text.
func (e *encoder) stamps(i indicator, f detailForm) {
	e.stampField("stamp_added", i.added())
	e.stampField("stamp_updated", max(i.updated(), f.scanned))
	e.stampField("stamp_seen", max(i.seen(), f.scanned))
	switch probed := i.pick(slotHistory, 8); {
	case f.scanned > 0:
		e.stampField("stamp_probed", f.scanned)
	case probed == 0:
		e.rawField("stamp_probed", "null")
	case probed == 1:
		e.stringField("stamp_probed", "")
	default:
		e.stampField("stamp_probed", i.seen()+2)
	}
	if i.retired() {
		e.stampField("stamp_retired", i.updated())
	} else {
		e.rawField("stamp_retired", "null")
	}
}

// list writes a field with count entries, or what stands for none.
func (e *encoder) list(i indicator, name string, count int, entry func(k int)) {
	if count == 0 && e.old(i) {
		return
	}
	e.key(name)
	e.begin('[')
	for k := range count {
		entry(k)
	}
	e.end(']')
}

func (i indicator) submissions() int { return i.pick(slotHistory, 50) }

func (i indicator) riskFactorCount() int { return i.pick(slotRisk, 3) }

// riskFactor is the k-th reason for the risk.
func (i indicator) riskFactor(k int) riskFactor {
	return riskFactors[(i.pick(slotWord, len(riskFactors))+k)%len(riskFactors)]
}

func (e *encoder) riskFactors(i indicator) {
	e.list(i, "riskfactors", i.riskFactorCount(), func(k int) {
		f := i.riskFactor(k)
		e.begin('{')
		e.intField("rfid", f.id)
		e.stringField("description", f.description)
		e.stringField("risk", f.risk)
		e.end('}')
	})
}

func (e *encoder) redirectFields(i indicator) {
	to := i.redirects()
	if len(to) == 0 && e.old(i) {
		return
	}
	e.key("redirects")
	e.begin('{')
	e.list(i, "from", 0, nil)
	e.list(i, "to", len(to), func(k int) {
		e.begin('{')
		e.intField("iid", to[k].iid())
		e.stringField("indicator", to[k].value())
		e.end('}')
	})
	e.end('}')
}

// none writes an object without fields as PHP does, or as it was later.
func (e *encoder) none() {
	if e.odd.has(shapes2023|shapes2025) && !e.odd.has(emptyArrays) {
		e.raw("{}")
	} else {
		e.raw("[]")
	}
}

func (e *encoder) attributes(i indicator) {
	e.key("attributes")
	p := i.profile()
	if len(p.ports) == 0 {
		e.none()
		return
	}
	e.begin('{')
	for _, category := range attributeCategories {
		if values := p.values(category); len(values) > 0 {
			e.key(category)
			if e.odd.has(doubledAttributes) {
				e.begin('[')
				e.strings(values)
				e.end(']')
			} else {
				e.strings(values)
			}
		}
	}
	e.end('}')
}

// parent writes the domain that a URL lies on. Its id is a number, or a number in a text.
func (e *encoder) parent(i indicator) {
	if i.kind() != kindURL || i.out != nil {
		e.rawField("domain", "null")
		e.rawField("domainiid", "null")
		return
	}
	on := i.w.indicator(i.n - 1)
	e.stringField("domain", on.value())
	if e.old(i) {
		e.stringField("domainiid", strconv.Itoa(on.iid()))
	} else {
		e.intField("domainiid", on.iid())
	}
}

func (e *encoder) threatRefs(i indicator) {
	var linked []threat
	for _, t := range i.w.threats {
		if t.contains(i.n) {
			linked = append(linked, t)
		}
	}
	e.list(i, "threats", len(linked), func(k int) {
		t := linked[k]
		e.begin('{')
		e.intField("tid", t.id)
		e.stringField("name", t.name)
		e.stringField("category", t.category)
		e.stringField("risk", t.risk)
		e.stampField("stamp_linked", i.linked(linkedByThreat+slot(t.id)))
		e.end('}')
	})
}

func (e *encoder) feedRefs(i indicator) {
	var linked []feed
	for _, f := range i.w.feeds {
		if f.contains(i.n) {
			linked = append(linked, f)
		}
	}
	e.list(i, "feeds", len(linked), func(k int) {
		f := linked[k]
		e.begin('{')
		e.intField("fid", f.id)
		e.stringField("name", f.name)
		e.stringField("category", f.category)
		e.stringField("organization", f.organization)
		e.stringField("pricing", f.pricing)
		e.stampField("stamp_linked", i.linked(linkedByFeed+slot(f.id)))
		e.end('}')
	})
}

// comments writes what people said, with the number of the person only in older answers.
func (e *encoder) comments(i indicator) {
	count := max(i.pick(slotComment, 9)-6, 0)
	e.list(i, "comments", count, func(k int) {
		said := remarks[(i.pick(slotComment, len(remarks))+k)%len(remarks)]
		e.begin('{')
		e.intField("cid", i.iid()+k)
		if e.old(i) {
			e.intField("uid", 328)
		}
		e.stringField("username", "example_"+strconv.Itoa(k))
		e.stringField("title", said.title)
		e.stringField("comment", said.comment)
		e.stampField("stamp_added", i.seen())
		e.stampField("stamp_updated", i.updated())
		e.end('}')
	})
}
