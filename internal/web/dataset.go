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
	Paged      bool   // the quarantine does not begin with the newest
	Older      string // where there is more in quarantine
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
	v.Paged = r.URL.Query().Get("before") != ""
	if v.Quarantine, v.Older, err = s.readQuarantine(r, f); err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, datasetPage(s.frame(r, "Dataset "+f.Name, "Flows"), v))
	return nil
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
