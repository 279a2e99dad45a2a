package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// deviceLifetime is how long a browser is known after its last sign-in.
const deviceLifetime = 365 * 24 * time.Hour

// deviceSecret is the name of the value by which the cookies of devices are signed.
const deviceSecret = "device_cookie_key"

type deviceKey struct{}

// RememberDevice gives the browser of somebody who has just signed in a cookie by which its next attempts to sign in as the same user are
// limited apart from those of everybody else. It does not sign anyone in, and it expires when the password is replaced.
func (a *Auth) RememberDevice(ctx context.Context, w http.ResponseWriter, name string) error {
	u, known, err := a.find(ctx, name)
	if err != nil || !known {
		return err
	}
	key, err := a.deviceSigningKey(ctx)
	if err != nil {
		return err
	}
	id, expires := rand.Text(), strconv.FormatInt(sallyport.Now().Add(deviceLifetime).Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name: a.cookieName("device"), Value: id + "." + expires + "." + signDevice(key, u, id, expires), Path: "/",
		MaxAge: int(deviceLifetime / time.Second), HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// deviceOf returns the id of the device that a request is from, "" if the user has not signed in there since the password was set.
func (a *Auth) deviceOf(ctx context.Context, u sallyport.User) string {
	cookie, _ := ctx.Value(deviceKey{}).(string)
	parts := strings.Split(cookie, ".")
	if len(parts) != 3 || u.ID == "" {
		return ""
	}
	expires, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || !sallyport.Now().Before(time.Unix(expires, 0)) {
		return ""
	}
	key, err := a.deviceSigningKey(ctx)
	if err != nil || !hmac.Equal([]byte(parts[2]), []byte(signDevice(key, u, parts[0], parts[1]))) {
		return ""
	}
	return parts[0]
}

// signDevice signs what a cookie says, for one user with one password.
func signDevice(key []byte, u sallyport.User, id, expires string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{string(u.ID), u.Password, id, expires}, "\n"))) // it never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// deviceSigningKey returns the key of this database for the cookies of devices, and makes it when it is needed first. It is sealed: with a copy
// of the database nobody can make cookies. One that does not open, as older programs stored it in the clear, is replaced.
func (a *Auth) deviceSigningKey(ctx context.Context) (key []byte, err error) {
	if key, err = a.openDeviceKey(ctx, a.Store); err != nil || key != nil {
		return key, err
	}
	err = a.Store.InTx(ctx, func(tx *store.Tx) error {
		if key, err = a.openDeviceKey(ctx, tx); err != nil || key != nil {
			return err
		}
		key = make([]byte, sha256.Size)
		rand.Read(key) // it never fails
		sealed, err := a.Values.SealValue(deviceSecret, key)
		if err != nil {
			return err
		}
		return tx.SetMeta(ctx, deviceSecret, sealed)
	})
	return key, err
}

// openDeviceKey returns the key that is stored, nil if there is none that opens.
func (a *Auth) openDeviceKey(ctx context.Context, from interface {
	Meta(ctx context.Context, key string) ([]byte, error)
}) ([]byte, error) {
	sealed, err := from.Meta(ctx, deviceSecret)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if key, ok := a.Values.OpenValue(deviceSecret, sealed); ok {
		return key, nil
	}
	return nil, nil
}
