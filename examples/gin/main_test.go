package main

import (
	"testing"

	"github.com/bearerguard/bearerguard/internal/apitest"
)

func TestAPI(t *testing.T) { apitest.Check(t, api) }
