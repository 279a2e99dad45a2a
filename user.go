package sallyport

import "time"

// User is a person who may sign in to the pages.
type User struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	Password  string    `json:"-"` // as package auth hashed it
	CreatedAt time.Time `json:"created_at"`
}
