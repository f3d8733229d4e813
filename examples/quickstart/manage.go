package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const usage = `write one of
	quickstart client create [-id name] [-owner name] [-scope "a b"]
	quickstart client rotate <client id>
	quickstart client revoke <client id>`

// manage sends one order to the administration of a running quickstart.
func manage(base, adminKey string, arguments []string, out io.Writer) error {
	if adminKey == "" {
		return errors.New("set QUICKSTART_ADMIN_KEY to the admin key that the running quickstart has printed")
	}
	if len(arguments) == 0 {
		return errors.New(usage)
	}
	order, rest := arguments[0], arguments[1:]
	switch {
	case order == "create":
		flags := flag.NewFlagSet("create", flag.ContinueOnError)
		flags.SetOutput(out)
		id := flags.String("id", "", "the client's id; made up if empty")
		owner := flags.String("owner", "", "whom it belongs to, such as a tenant")
		scope := flags.String("scope", "", "what it may ask for: names with spaces between them")
		if err := flags.Parse(rest); err != nil {
			return err
		}
		return administrate(base, adminKey, http.MethodPost, "/admin/clients", map[string]string{"client_id": *id, "owner": *owner, "scope": *scope}, out)
	case order == "rotate" && len(rest) == 1:
		return administrate(base, adminKey, http.MethodPost, "/admin/clients/"+url.PathEscape(rest[0])+"/secret", nil, out)
	case order == "revoke" && len(rest) == 1:
		return administrate(base, adminKey, http.MethodDelete, "/admin/clients/"+url.PathEscape(rest[0]), nil, out)
	default:
		return errors.New(usage)
	}
}

func administrate(base, adminKey, method, path string, body any, out io.Writer) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(answer))
	}
	_, err = out.Write(answer)
	return err
}
