package shape

import (
	"slices"

	"github.com/go-json-experiment/json"
)

// Only is the shape with no other declared members than the named ones, and those that are told by them: the boolean that a flag is for, and
// its reason. It is nil if none is left. What a record has besides follows as it came.
func (s *Shape) Only(names []string) (*Shape, error) {
	root := new(schema)
	if err := json.Unmarshal(s.text, root); err != nil {
		return nil, err
	}
	kept := slices.Clone(names)
	root.Properties = slices.DeleteFunc(root.Properties, func(p property) bool {
		if !slices.Contains(kept, p.name) {
			return true
		}
		if p.Own != nil {
			kept = append(kept, p.Own.Flag, p.Own.Reason)
		}
		return false
	})
	if len(root.Properties) == 0 {
		return nil, nil
	}
	form, err := compiler{root.Defs}.node("$", root, 0)
	if err != nil {
		return nil, err
	}
	return &Shape{form, s.text}, nil
}
