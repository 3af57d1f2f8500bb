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
        // A bulk, because this generator knows only the first answer of success: of a single message that is the dry run.
        var sent = messages.messagesControllerSendBulk("com.example.app", List.of(body), null, null);
        String id = sent.getMessages().get(0).getMessageId();
        var read = messages.messagesControllerRead("com.example.app", id);
        System.out.println("read " + read.getMessageId() + " " + read.getAudience());
    }
}
