package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// What is shown of a dataset.
const (
	maxSample = 20
	maxLines  = 1 << 20 // bytes of the sample as JSON lines
)

// datasetView is the dataset of a flow, with what to look at.
type datasetView struct {
	sallyport.Flow
	Sample     *sampleView
	Lines      string // the sample as JSON lines
	Quarantine []quarantineView
	More       bool // there is more in quarantine
}

// quarantineView is a record in quarantine, and what could not take it.
type quarantineView struct {
	sallyport.Quarantined
	Taker string
	Line  string // the record
}

func (s *server) showDataset(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	records, err := s.Service.Sample(r.Context(), f.Dataset, maxSample)
	if err != nil {
		return err
	}
	v := datasetView{Flow: f, Sample: sampleOf(&service.Sample{Records: records}, nil), Lines: lines(records, maxLines)}
	found, err := s.Service.Quarantine(r.Context(), f.Name, maxSample+1, 0)
	if err != nil {
		return err
	}
	v.More = len(found) > maxSample
	for _, q := range found[:min(len(found), maxSample)] {
		v.Quarantine = append(v.Quarantine, quarantineView{q, taker(f, q), lines([]json.RawMessage{q.Record}, maxRaw)})
	}
	s.show(w, r, http.StatusOK, datasetPage(s.frame(r, "Dataset "+f.Name, "Flows"), v))
	return nil
}

// taker is what could not take a record: the dataset, or a destination, which may be gone by now.
func taker(f sallyport.Flow, q sallyport.Quarantined) string {
	if q.DestinationID == "" {
		return "the dataset"
	}
	for _, d := range f.Destinations {
		if d.ID == q.DestinationID {
			return "destination " + d.Name
		}
	}
	return "a destination that is no longer there"
}

// lines are records as JSON lines, cut at a number of bytes.
func lines(records []json.RawMessage, most int) string {
	var b bytes.Buffer
	for _, record := range records {
		b.Write(record)
		b.WriteByte('\n')
		if b.Len() > most {
			b.Truncate(most)
			b.WriteString("… the rest is not shown here")
			break
		}
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func nullWords(f sallyport.Field) string {
	if f.Nullable {
		return "yes"
	}
	return "no"
}
