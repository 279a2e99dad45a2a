package auth

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

// ResetPassword replaces the password of a user, for the owner of the data directory, and ends all sessions of that user. Errors name the
// field "name" or "password".
func ResetPassword(ctx context.Context, s *store.Store, actor sallyport.Actor, name, password string) error {
	u, err := UserToReset(ctx, s, name)
	if err != nil {
		return err
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	hashed := hash(password)
	return s.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.AuthPassword, u.ID, map[string]string{"name": u.Name})); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, u.ID, hashed); err != nil {
			return err
		}
		return tx.DeleteSessionsOf(ctx, u.ID)
	})
}

// UserToReset finds the user whose password is to be replaced; without a name, the only one.
func UserToReset(ctx context.Context, s *store.Store, name string) (sallyport.User, error) {
	all, err := s.Users(ctx)
	switch {
	case err != nil:
		return sallyport.User{}, err
	case len(all) == 0:
		return sallyport.User{}, sallyport.Errorf(sallyport.NotFound, "there are no users yet: `sallyport serve` prints a link that creates the first one")
	case name == "" && len(all) == 1:
		return all[0], nil
	case name == "":
		return sallyport.User{}, sallyport.FieldErrorf("name", "is required, because there are several users")
	}
	u, err := s.UserByName(ctx, name)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		names := make([]string, len(all))
		for i := range all {
			names[i] = all[i].Name
		}
		return u, &sallyport.Error{Code: sallyport.NotFound, Field: "name", Message: sallyport.Unknown("", "user", name, names).Message}
	}
	return u, err
}
