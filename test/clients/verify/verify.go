package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	secret := os.Getenv("CARILLON_WEBHOOK_SECRET")
	webhook, err := standardwebhooks.NewWebhook(secret)
	check(err)
	places, err := filepath.Glob(os.Getenv("CARILLON_EVENTS") + "/*")
	check(err)
	for _, place := range places {
		body := read(place + "/body")
		var sent map[string]string
		check(json.Unmarshal(read(place+"/headers.json"), &sent))
		request := http.Request{Header: http.Header{}}
		for name, value := range sent {
			request.Header.Set(name, value)
		}
		err = webhook.Verify(body, request.Header)
		check(err)
		if webhook.Verify(append(body, ' '), request.Header) == nil {
			panic("an altered body was verified")
		}
	}
	fmt.Println("verified", len(places))
}

func read(path string) []byte {
	text, err := os.ReadFile(path)
	check(err)
	return text
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
