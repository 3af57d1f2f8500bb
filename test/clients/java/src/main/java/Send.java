import carillon.api.MessagesApi;
import carillon.invoker.ApiClient;
import carillon.model.MessageTextDto;
import carillon.model.SendMessageDto;
import carillon.model.TargetDto;
import java.util.List;

public class Send {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("CARILLON_URL"));
        client.setRequestInterceptor(
                request -> request.header("Authorization", "Bearer " + System.getenv("CARILLON_TOKEN")));
        MessagesApi messages = new MessagesApi(client);
        SendMessageDto body = new SendMessageDto()
                .message(new MessageTextDto().alert("Hello"))
                .target(new TargetDto().deviceIds(List.of("anna-phone")));
        var sent = messages.messagesControllerSend("com.example.app", body, null, null);
        var read = messages.messagesControllerRead("com.example.app", sent.getMessageId());
        System.out.println("read " + read.getMessageId() + " " + read.getAudience());
    }
}
