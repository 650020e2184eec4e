package quartet.api.ws;

import static org.assertj.core.api.Assertions.assertThat;

import akka.http.javadsl.model.ws.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import quartet.api.wire.EventJson;
import quartet.api.wire.Json;
import quartet.api.ws.Outgoing.Rank;

/** The rule for clients that read slowly or not at all. */
final class OutboxTest {
  private static Outgoing event(Rank rank, String key, int value) {
    return Outgoing.event(rank, key, EventJson.event(key, Json.object().put("value", value)));
  }

  private static List<String> drain(Outbox outbox) {
    List<String> texts = new ArrayList<>();
    while (!outbox.keys().isEmpty()) {
      Message message = outbox.take().toCompletableFuture().join().orElseThrow();
      texts.add(message.isText() ? message.asTextMessage().getStrictText() : "(picture)");
    }
    return texts;
  }

  @Test
  void aReaderThatWaitsGetsEverythingAtOnce() {
    Outbox outbox = new Outbox();
    CompletableFuture<Optional<Message>> next = outbox.take().toCompletableFuture();
    assertThat(next).isNotDone();
    outbox.put(event(Rank.FIGURE, "progress", 1));
    assertThat(next.join()).isPresent();
    assertThat(outbox.keys()).isEmpty();
  }

  @Test
  void aShortHiccupLosesNothing() {
    Outbox outbox = new Outbox();
    for (int i = 0; i < Outbox.CALM; i++) {
      outbox.put(event(Rank.FIGURE, "progress", i));
    }
    assertThat(drain(outbox)).hasSize(Outbox.CALM);
  }

  @Test
  void onlyTheNewestPreviewWaits() {
    Outbox outbox = new Outbox();
    for (int i = 0; i < 10; i++) {
      outbox.put(Outgoing.preview("preview/p", new byte[1 << 20]));
      outbox.put(event(Rank.STORY, "executing", i));
    }
    assertThat(outbox.keys()).filteredOn(key -> key.equals("preview/p")).hasSize(1);
    assertThat(outbox.keys().get(9)).isEqualTo("preview/p");
  }

  @Test
  void figuresReplaceEachOtherAndEndsStay() {
    Outbox outbox = new Outbox();
    for (int prompt = 0; prompt < 20; prompt++) {
      for (int step = 0; step < 1000; step++) {
        outbox.put(event(Rank.FIGURE, "progress", step));
        outbox.put(event(Rank.FIGURE, "status", step));
        outbox.put(Outgoing.preview("preview/p", new byte[1000]));
      }
      outbox.put(event(Rank.END, "execution_success", prompt));
      outbox.put(event(Rank.END, "executing", prompt));
    }
    assertThat(outbox.keys().size()).isLessThan(2 * Outbox.CALM);
    List<String> texts = drain(outbox);
    assertThat(texts).filteredOn(text -> text.contains("execution_success")).hasSize(20);
    assertThat(texts).filteredOn(text -> text.contains("\"executing\"")).hasSize(20);
    assertThat(texts).anyMatch(text -> text.contains("progress") && text.contains("999"));
  }

  @Test
  void storiesAreDroppedWhenItIsCrowdedAndEndsAreNot() {
    Outbox outbox = new Outbox();
    for (int i = 0; i < 2 * Outbox.CROWDED; i++) {
      outbox.put(event(Rank.STORY, "executing", i));
    }
    assertThat(outbox.keys()).hasSize(Outbox.CROWDED);
    outbox.put(event(Rank.END, "execution_success", 1));
    assertThat(outbox.keys().getLast()).isEqualTo("execution_success");
  }

  @Test
  void whoNeverReadsIsCutOff() {
    Outbox outbox = new Outbox();
    for (int i = 0; i <= 2 * Outbox.CROWDED; i++) {
      outbox.put(event(Rank.END, "executed", i));
    }
    assertThat(outbox.keys()).isEmpty();
    assertThat(outbox.take().toCompletableFuture().join()).isEmpty();
    outbox.put(event(Rank.END, "executed", 0));
    assertThat(outbox.keys()).isEmpty();
  }

  @Test
  void largeMessagesCountByTheirSize() {
    Outbox outbox = new Outbox();
    String large = "x".repeat(1 << 20);
    for (int i = 0; i < 40; i++) {
      outbox.put(
          Outgoing.event(
              Rank.END, "executed", EventJson.event("executed", Json.object().put("text", large))));
    }
    assertThat(outbox.take().toCompletableFuture().join()).isEmpty();
  }

  @Test
  void closingWakesTheReader() {
    Outbox outbox = new Outbox();
    CompletableFuture<Optional<Message>> next = outbox.take().toCompletableFuture();
    outbox.close();
    assertThat(next.join()).isEmpty();
  }
}
