package quartet.api.ws;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import quartet.api.auth.Principal;
import quartet.api.wire.Json;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.node.RouterProtocol;

/** Which pictures of a running prompt reach whom, with the hub's time in the test's hands. */
final class SocketHubTest {
  private static final String PICTURE = "preview/p";

  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final ManualTime time = ManualTime.get(kit.system());
  private final TestProbe<RouterProtocol.Command> router = kit.createTestProbe();
  private final Outbox plain = new Outbox();
  private final Outbox rich = new Outbox();
  private final ActorRef<SocketHub.Command> hub =
      kit.spawn(SocketHub.create(router.ref(), new Audience(), Clock.systemUTC()));
  private final ActorRef<PromptEvent> events =
      router.expectMessageClass(RouterProtocol.Watch.class).watcher();

  @BeforeEach
  void connect() {
    rich.takeMetadata();
    hub.tell(new SocketHub.Connected(Principal.EVERYBODY, "rich", rich));
    hub.tell(new SocketHub.Connected(Principal.EVERYBODY, "plain", plain));
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static PromptJob job(String client) {
    return new PromptJob("p", 1, Json.object(), Json.object(), List.of("9"), client, Instant.EPOCH);
  }

  private void starts(PromptJob job, long waitedMillis) {
    events.tell(new PromptEvent.Started(job, 0, waitedMillis));
    events.tell(new PromptEvent.NodeStarted(job, "3"));
  }

  private void draws(PromptJob job) {
    hub.tell(new SocketHub.Preview(job, "3", new byte[] {1}));
  }

  /** What waits for a client when the hub has done all that it was told so far. */
  private List<String> waiting(Outbox outbox) {
    TestProbe<Object> done = kit.createTestProbe();
    Outbox last = new Outbox();
    hub.tell(new SocketHub.Connected(Principal.EVERYBODY, "last", last));
    done.awaitAssert(
        () -> {
          assertThat(last.keys()).isNotEmpty();
          return done;
        });
    return outbox.keys();
  }

  @Test
  void aPictureThatComesAfterItsNodeGoesToThoseWhoCanTellWhoseItIs() {
    for (String client : List.of("rich", "plain")) {
      PromptJob job = job(client);
      starts(job, 5000);
      events.tell(new PromptEvent.NodeStarted(job, "8"));
      draws(job);
    }
    assertThat(waiting(rich)).endsWith("executing/p/8", PICTURE);
    assertThat(waiting(plain)).endsWith("executing/p/8").doesNotContain(PICTURE);
  }

  @Test
  void nobodyGetsAPictureAfterThePromptsEnd() {
    PromptJob job = job("rich");
    starts(job, 5000);
    events.tell(new PromptEvent.Closed(job));
    draws(job);
    assertThat(waiting(rich)).contains("executing/p/3").doesNotContain(PICTURE);
  }

  /** The events wait for the answer to the client's POST, and the picture for its node's event. */
  @Test
  void aPictureOfAPromptThatStartedAtOnceComesAfterItsNodesEvent() {
    PromptJob job = job("plain");
    starts(job, 0);
    draws(job);
    events.tell(new PromptEvent.NodeStarted(job, "8"));
    assertThat(waiting(plain)).containsExactly("sid");
    time.timePasses(Duration.ofMillis(30));
    assertThat(waiting(plain)).containsSubsequence("executing/p/3", PICTURE, "executing/p/8");
  }
}
