package service

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// FlowDiff is what a change of a flow changes, and what happens once it is saved.
type FlowDiff struct {
	Changes []FieldChange `json:"changes"`
	Effects []string      `json:"effects"` // sentences, the first letter in upper case, without a full stop
}

// FieldChange is one value of a flow that becomes another one, in words.
type FieldChange struct {
	Part  string `json:"part"` // source, or the name of a destination; empty: the flow itself
	Field string `json:"field"`
	Old   string `json:"old,omitempty"` // empty: there was none
	New   string `json:"new,omitempty"` // empty: there is none any more
}

// DraftDiff says what saving a draft would change of its flow. A draft of a new flow, or one with faults, has no diff.
func (s *Service) DraftDiff(ctx context.Context, d *Draft) (diff FlowDiff, err error) {
	if d.Changes == "" {
		return diff, nil
	}
	return diff, s.Store.InTx(ctx, func(tx *store.Tx) error {
		old, err := tx.Flow(ctx, d.Changes)
		if err != nil {
			return err
		}
		named := *d
		named.Name = old.Name
		f, err := s.flowFromDraft(ctx, tx, &named)
		if err != nil {
			return err
		}
		diff, err = s.diff(ctx, tx, &old, f)
		return err
	})
}

// diff compares a flow with what it is to become.
func (s *Service) diff(ctx context.Context, tx *store.Tx, old, f *sallyport.Flow) (FlowDiff, error) {
	d := differ{Service: s, tx: tx, old: old, new: f, diff: FlowDiff{Changes: []FieldChange{}, Effects: []string{}}}
	d.add("", "Description", old.Description, f.Description)
	if err := d.source(ctx); err != nil {
		return d.diff, err
	}
	for _, to := range f.Destinations {
		if err := d.destination(ctx, to); err != nil {
			return d.diff, err
		}
	}
	for _, from := range old.Destinations {
		if !slices.ContainsFunc(f.Destinations, func(to sallyport.Destination) bool { return s.target(to) == s.target(from) || to.Name == from.Name }) {
			d.diff.Changes = append(d.diff.Changes, FieldChange{Part: from.Name, Field: "Destination", Old: s.placeWords(from)})
			d.effect("%q is removed. What was delivered stays in %s", from.Name, s.placeWords(from))
		}
	}
	return d.diff, nil
}

// differ collects what is different between two states of a flow.
type differ struct {
	*Service
	tx       *store.Tx
	old, new *sallyport.Flow
	diff     FlowDiff
}

func (d *differ) add(part, field string, old, new any) {
	if !identical(old, new) && words(old) != words(new) {
		d.diff.Changes = append(d.diff.Changes, FieldChange{Part: part, Field: field, Old: words(old), New: words(new)})
	}
}

func (d *differ) effect(format string, args ...any) {
	d.diff.Effects = append(d.diff.Effects, fmt.Sprintf(format, args...))
}

func (d *differ) source(ctx context.Context) error {
	const part = "source"
	old, f := d.old.Source, d.new.Source
	d.add(part, "Connector", old.Connector, f.Connector)
	if err := d.credential(ctx, part, old.Credential, f.Credential); err != nil {
		return err
	}
	d.add(part, "Endpoint", old.Endpoint, f.Endpoint)
	var fields []connector.Field
	for _, s := range []sallyport.Source{f, old} {
		if definition, err := d.Catalogue.Definition(s.Connector); err == nil {
			if e, err := definition.Endpoint(s.Endpoint); err == nil {
				fields = append(fields, e.Params...)
			}
		}
	}
	d.values(part, fields, old.Params, f.Params)
	d.values(part, nil, flat(old.Request), flat(f.Request))
	d.add(part, "Original record", old.Raw, f.Raw)
	d.add(part, "Records kept", d.kept(old), d.kept(f))
	d.add(part, "Pulls that confirm", confirmWords(old), confirmWords(f))
	d.add(part, "Vanish limit", old.VanishLimit, f.VanishLimit)
	d.add(part, "Schedule", scheduleWords(old.Schedule), scheduleWords(f.Schedule))
	return d.sourceEffects(ctx)
}

func (d *differ) credential(ctx context.Context, part string, old, new sallyport.ID) error {
	if old == new {
		return nil
	}
	var names [2]string
	for i, id := range []sallyport.ID{old, new} {
		c, err := d.tx.Credential(ctx, id)
		if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
			return err
		}
		names[i] = c.Name
	}
	d.add(part, "Credential", names[0], names[1])
	return nil
}

// values compares values by the names of their fields, in the order of the fields.
func (d *differ) values(part string, fields []connector.Field, old, new map[string]any) {
	names := slices.Concat(namesOf(fields), slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(new)))
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		label := name
		if at := slices.IndexFunc(fields, func(f connector.Field) bool { return f.Name == name && f.Label != "" }); at >= 0 {
			label = fields[at].Label
		}
		d.add(part, label, old[name], new[name])
	}
}

func namesOf(fields []connector.Field) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// kept says which records of a source are kept.
func (d *differ) kept(s sallyport.Source) string {
	definition, err := d.Catalogue.Definition(s.Connector)
	if err != nil {
		return ""
	}
	tracking, err := definition.Tracking(s)
	if err != nil {
		return ""
	}
	return tracking.String()
}

// sourceEffects says what a change of what is read does to the runs and to what is kept.
func (d *differ) sourceEffects(ctx context.Context) error {
	if reads(d.old.Source) == reads(d.new.Source) {
		return nil
	}
	switch run, err := d.tx.UnfinishedRun(ctx, d.old.ID); {
	case err == nil && run.State == sallyport.RunHeld:
		d.effect("The held pull of run %d is dropped", run.ID)
	case err == nil:
		d.effect("Run %d is not finished. It ends as failed", run.ID)
	case sallyport.CodeOf(err) != sallyport.NotFound:
		return err
	}
	d.effect("The next run starts at the beginning of the source")
	before, after, kept := d.tracking(d.old.Source), d.tracking(d.new.Source), records(d.old.Dataset.Records)
	same := slices.Equal(before.Key, after.Key) && slices.Equal(before.Ignore, after.Ignore)
	switch {
	case d.old.Dataset.Records == 0 || before.On && after.On && pulls(d.old.Source) == pulls(d.new.Source):
	case !after.On:
		d.effect("Every record that the next run pulls is added to the %s that are kept now, and delivered", kept)
	case before.On && same && after.Whole:
		d.effect("Records that the new source does not return are marked as vanished in the next run, and delivered as vanished. %s are kept now", kept)
	case before.On && same:
		d.effect("The next run is compared with the %s that are kept now. New and changed records are delivered", kept)
	default:
		d.effect("The comparison starts again: every record of the next run counts as new and is delivered, besides the %s that are kept now", kept)
	}
	return nil
}

// pulls is what a source reads, without which of that is kept.
func pulls(s sallyport.Source) string {
	s.Emit, s.Raw = "", false
	return reads(s)
}

func (d *differ) tracking(s sallyport.Source) connector.Tracking {
	definition, err := d.Catalogue.Definition(s.Connector)
	if err != nil {
		return connector.Tracking{}
	}
	tracking, err := definition.Tracking(s)
	if err != nil {
		return connector.Tracking{}
	}
	return tracking
}

// destination compares a destination with the one that wrote to the same place or, if there is none, with the one of its name.
func (d *differ) destination(ctx context.Context, to sallyport.Destination) error {
	at := slices.IndexFunc(d.old.Destinations, func(o sallyport.Destination) bool { return d.target(o) == d.target(to) })
	moved := at < 0
	if moved {
		at = slices.IndexFunc(d.old.Destinations, func(o sallyport.Destination) bool { return o.Name == to.Name })
	}
	if at < 0 {
		d.diff.Changes = append(d.diff.Changes, FieldChange{Part: to.Name, Field: "Destination", New: d.placeWords(to)})
		d.filled(to)
		return nil
	}
	from := d.old.Destinations[at]
	changes := len(d.diff.Changes)
	d.add(to.Name, "Name", from.Name, to.Name)
	d.add(to.Name, "Connector", from.Connector, to.Connector)
	if err := d.credential(ctx, to.Name, from.Credential, to.Credential); err != nil {
		return err
	}
	d.values(to.Name, d.settings(to, from), from.Config, to.Config)
	switch {
	case moved:
		d.filled(to)
		d.effect("%s is left behind as it is", d.placeWords(from))
	case len(d.diff.Changes) > changes && !identical(from.Config, to.Config):
		d.effect("%q uses its new settings from the next delivery on. What was delivered before is not rewritten", to.Name)
	}
	return nil
}

// filled says that a destination gets all that is kept.
func (d *differ) filled(to sallyport.Destination) {
	kept := records(d.old.Dataset.Records)
	switch {
	case d.old.Dataset.Records == 0:
	case d.submits(to):
		d.effect("%q submits what is kept now: %s, one API request for each value", to.Name, kept)
	default:
		d.effect("%q receives everything that is kept now: %s, in %s", to.Name, kept, d.placeWords(to))
	}
}

func (d *differ) settings(all ...sallyport.Destination) (fields []connector.Field) {
	for _, to := range all {
		if definition, err := d.Catalogue.Definition(to.Connector); err == nil && definition.Destination != nil {
			fields = append(fields, definition.Destination.Fields...)
		}
	}
	return fields
}

// placeWords names the place that a destination writes to.
func (s *Service) placeWords(d sallyport.Destination) string {
	definition, err := s.Catalogue.Definition(d.Connector)
	if err != nil || definition.Destination == nil || definition.Destination.Submit != nil {
		return d.Connector
	}
	var parts []string
	for _, name := range definition.Destination.Target {
		parts = append(parts, words(d.Config[name]))
	}
	return strings.Join(parts, ", ")
}

// flat are the parts of a request by their paths, such as paging.type.
func flat(q *sallyport.Request) map[string]any {
	parts := map[string]any{}
	if q == nil {
		return parts
	}
	text, _ := json.Marshal(q) // strings, numbers and maps of these always encode
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return parts
	}
	for i, rule := range q.Fail {
		all[fmt.Sprint("fail.", i)] = map[string]any{"path": rule.Path, "equals": string(rule.Equals), "class": rule.Class, "message": rule.Message}
	}
	delete(all, "fail")
	for name, value := range all {
		inner, ok := value.(map[string]any)
		if !ok {
			parts[name] = value
			continue
		}
		for below, value := range inner {
			if several, ok := value.([]any); ok {
				value = quotedList(several)
			}
			parts[name+"."+below] = value
		}
	}
	return parts
}

// quotedList writes the values of one name so that no single value reads like them.
func quotedList(values []any) string {
	texts := connector.Texts(values)
	for i, text := range texts {
		texts[i] = strconv.Quote(text)
	}
	return strings.Join(texts, ", ")
}

// words writes a value for people.
func words(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "Yes", false: "No"}[value]
	case []string, []any:
		return strings.Join(connector.Texts(value), ", ")
	}
	return fmt.Sprint(value)
}

func confirmWords(s sallyport.Source) string {
	if s.Confirm == 0 {
		return ""
	}
	return strconv.Itoa(s.Confirm)
}

func scheduleWords(s *sallyport.Schedule) string {
	switch {
	case s == nil:
		return "on demand"
	case s.Cron != "" && s.Zone != "":
		return s.Cron + " (" + s.Zone + ")"
	case s.Cron != "":
		return s.Cron + " (UTC)"
	}
	return "every " + s.Every.String()
}

// records writes a number of records, with a comma between thousands.
func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text + " records"
}
