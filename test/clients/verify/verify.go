package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	folder := os.Getenv("CARILLON_DELIVERY")
	body := read(folder + "/body")
	var sent map[string]string
	check(json.Unmarshal(read(folder+"/headers.json"), &sent))
	headers := http.Header{}
	for name, value := range sent {
		headers.Set(name, value)
	}

	webhook, err := standardwebhooks.NewWebhook(os.Getenv("CARILLON_WEBHOOK_SECRET"))
	check(err)
	check(webhook.Verify(body, headers))
	if webhook.Verify(append(body, ' '), headers) == nil {
		panic("an altered body was verified")
	}
	fmt.Println("verified", headers.Get("webhook-id"))
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
