package secret

import "strings"

// withParts returns secrets and the keys within those that have a space. A system may repeat such a key alone.
func withParts(secrets []Text) []Text {
	all := secrets
	for _, s := range secrets {
		for _, part := range parts(s.plain()) {
			all = append(all[:len(all):len(all)], New(part))
		}
	}
	return all
}

// parts are the keys in a secret such as "Token KEY" or `Token token="KEY"`: whatever stands behind the only space, and of more words those
// that are no words. The words of a passphrase are not searched for: they stand in other texts.
func parts(text string) (keys []string) {
	if !strings.Contains(text, " ") {
		return nil
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(` ,;"'`, r) })
	for i, field := range fields {
		named, value, _ := strings.Cut(field, "=")
		for _, key := range []string{field, value} {
			if len(key) >= MinLength && (!word.MatchString(key) || i == 1 && len(fields) == 2 || key == value && named != "") {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
