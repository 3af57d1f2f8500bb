package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"example.com/send/carillon"
)

func main() {
	authorize := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("CARILLON_TOKEN"))
		return nil
	}
	client, err := carillon.NewClientWithResponses(os.Getenv("CARILLON_URL"), carillon.WithRequestEditorFn(authorize))
	check(err)
	body := carillon.SendMessageDto{
		Message: carillon.MessageTextDto{Alert: "Hello"},
		Target:  &carillon.TargetDto{DeviceIds: &[]string{"anna-phone"}},
	}
	sent, err := client.MessagesControllerSendWithResponse(context.Background(), "com.example.app", nil, body)
	check(err)
	if sent.JSON202 == nil {
		panic(string(sent.Body))
	}
	id := sent.JSON202.MessageId
	read, err := client.MessagesControllerReadWithResponse(context.Background(), "com.example.app", id)
	check(err)
	fmt.Println("read", read.JSON200.MessageId, read.JSON200.Audience)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
