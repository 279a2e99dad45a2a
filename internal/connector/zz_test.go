package connector_test
import ("testing";"time"
"github.com/sallyport-io/sallyport/connectors"
"github.com/sallyport-io/sallyport/internal/connector")
func TestZZ(t *testing.T){
 c, err := connector.NewCatalogue(connectors.FS, nil)
 if err!=nil {t.Fatal(err)}
 for _, id := range []string{"pulsedive","rest","pulsedive"} {
 s:=time.Now()
 d, err := c.Definition(id)
 t.Log(id, time.Since(s), d!=nil, err)
 }
 _, err = c.Definition("file"); t.Log(err)
}
