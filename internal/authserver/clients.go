package authserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/bearerguard/bearerguard/scopes"
)

// Client is an application that may ask for tokens.
type Client struct {
	// ID and Secret are made up if empty.
	ID, Secret string
	// Scopes is what it may ask for, and what it gets if it asks for nothing
	// in particular.
	Scopes scopes.Set
	// Owner is whom it belongs to, such as a tenant; its tokens say so in the
	// claim owner.
	Owner string
}

// ErrNoClient is that there is no such client, or no more.
var ErrNoClient = errors.New("no such client")

// Clients are the clients that a server knows. They are safe for concurrent use.
type Clients struct {
	pepper []byte // the key that secrets are hashed with; it dies with the process

	mu      sync.Mutex
	known   map[string]registered
	revoked map[string]bool // clients, whose tokens go with them
}

// registered is a client without its secret, of which there is but a keyed hash: a
// secret of ours is too long to guess, so the hash need not be slow.
type registered struct {
	secret []byte
	scopes scopes.Set
	owner  string
}

func newClients() *Clients {
	pepper := make([]byte, sha256.Size)
	rand.Read(pepper) // which cannot fail
	return &Clients{pepper: pepper, known: map[string]registered{}, revoked: map[string]bool{}}
}

// Create registers a client and returns it with its secret, which is shown this once.
func (c *Clients) Create(client Client) (Client, error) {
	if client.ID == "" {
		client.ID = "client-" + strings.ToLower(rand.Text()[:8])
	}
	if client.Secret == "" {
		client.Secret = rand.Text()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.known[client.ID]; taken || c.revoked[client.ID] {
		return Client{}, fmt.Errorf("there is a client %q already, or has been", client.ID)
	}
	c.known[client.ID] = registered{c.hash(client.Secret), client.Scopes, client.Owner}
	return client, nil
}

// Rotate gives a client a new secret; the old one is dead at once. Tokens that it has
// live on.
func (c *Clients) Rotate(id string) (secret string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.known[id]
	if !ok {
		return "", ErrNoClient
	}
	secret = rand.Text()
	client.secret = c.hash(secret)
	c.known[id] = client
	return secret, nil
}

// Revoke ends a client. It gets no more tokens, and those that it has are not active.
func (c *Clients) Revoke(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.known[id]; !ok {
		return ErrNoClient
	}
	delete(c.known, id)
	c.revoked[id] = true
	return nil
}

func (c *Clients) get(id string) (registered, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.known[id]
	return client, ok
}

// authenticate takes as long for a client that there is not.
func (c *Clients) authenticate(id, secret string) (registered, bool) {
	client, known := c.get(id)
	return client, hmac.Equal(c.hash(secret), client.secret) && known
}

func (c *Clients) hash(secret string) []byte {
	mac := hmac.New(sha256.New, c.pepper)
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}
